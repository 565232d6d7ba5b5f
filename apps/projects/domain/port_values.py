"""Values of ports from what a person typed, for trying a step by itself."""

from __future__ import annotations

import json
from typing import Any

from apps.runtime.errors import UserFault
from apps.runtime.events import Passage
from apps.runtime.ports import PortType, Reply
from apps.runtime.resources import Turn
from apps.runtime.stores.index import Chunks, Index, Vectors

ROLES = ("system", "user", "assistant")


class PortValueUnfit(UserFault):
    code = "run.port-value"
    sentence = "This is no value of type {type}: {reason}."


def port_value(kind: PortType, text: str) -> Any:
    """What a port of this type carries. Words stand for themselves; passages, messages and history may be
    JSON; chunks, vectors and an index are named by their collections. Media are not typed. Raises PortValueUnfit."""
    if kind == "text":
        return text
    if kind == "json":
        return _json(kind, text)
    if kind == "answer":
        return Reply(_words(text))
    if kind == "passages":
        return tuple(_passage(kind, number, one) for number, one in enumerate(_rows(kind, text), 1))
    if kind in ("chunks", "vectors", "index"):
        return _knowledge(kind, text)
    if kind in ("messages", "history"):
        return tuple(_turn(kind, one) for one in _rows(kind, text))
    raise PortValueUnfit(type=kind, reason="choose a file instead")


def _knowledge(kind: str, text: str) -> Any:
    """Names of collections stand for their passages, vectors and index; so does what a run showed of one,
    unless that leads to a store, which only a whole run reaches."""
    shown = _json(kind, text) if text.lstrip().startswith("{") else {}
    if isinstance(shown, dict) and shown.get("server"):
        reason = "only a whole run reaches a vector store; name collections to use the studio's own"
        raise PortValueUnfit(type=kind, reason=reason)
    names: Any = text.split(",")
    if isinstance(shown, dict) and shown:
        inner = shown.get("chunks", shown)
        names = inner.get("collections") if isinstance(inner, dict) else None
    if not isinstance(names, list):
        raise PortValueUnfit(type=kind, reason="it names no collections")
    chunks = Chunks(tuple(str(name).strip() for name in names if str(name).strip()))
    return {"chunks": chunks, "vectors": Vectors(chunks, ""), "index": Index(chunks.collections)}[
        kind
    ]


def _json(kind: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PortValueUnfit(type=kind, reason=f"it is not JSON ({error})") from error


def _rows(kind: str, text: str) -> list[Any]:
    """A JSON list, or the whole text as its only item."""
    if not text.lstrip().startswith("["):
        return [text]
    values = _json(kind, text)
    if not isinstance(values, list):
        raise PortValueUnfit(type=kind, reason="it is no list")
    return values


def _words(text: str) -> str:
    """The text, or of a JSON object its `text`."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return str(value["text"]) if isinstance(value, dict) and "text" in value else text


def _passage(kind: str, number: int, value: Any) -> Passage:
    if isinstance(value, str):
        return Passage(f"typed-{number}", "typed", "typed", value, 1.0, number)
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise PortValueUnfit(type=kind, reason=f"passage {number} has no text")
    name = str(value.get("document", "typed"))
    chunk = str(value.get("chunk_id", f"typed-{number}"))
    return Passage(chunk, str(value.get("document_id", name)), name, value["text"], 1.0, number)


def _turn(kind: str, value: Any) -> Turn:
    if isinstance(value, str):
        return Turn("user", value)
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise PortValueUnfit(type=kind, reason="each message needs role and content")
    role = value.get("role", "user")
    if role not in ROLES:
        raise PortValueUnfit(type=kind, reason=f"{role} is none of {', '.join(ROLES)}")
    return Turn(role, value["content"])
