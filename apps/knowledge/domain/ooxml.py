"""What Word, PowerPoint and Excel files have in common: safe XML, relations, local names."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from apps.knowledge.domain.archives import UNREADABLE, read_part
from apps.knowledge.domain.refusals import Broken

_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": True,
    "remove_comments": True,
    "remove_pis": True,
}


def local(element: Any) -> str:
    """The element's name without its namespace: the strict and the usual flavour differ only there."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str | None:
    """An attribute by local name."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def parse_part(archive: zipfile.ZipFile, name: str, kind: str) -> Any:
    """The root element of a part. Raises Broken; Office files declare no entities, so one is damage."""
    try:
        root = etree.fromstring(read_part(archive, name, kind), etree.XMLParser(**_SAFE))
    except etree.XMLSyntaxError as error:
        raise Broken(kind=kind, reason=f"part {name}: {str(error)[:120]}") from error
    _refuse_doctype(root.getroottree(), name, kind)
    return root


def stream_part(
    archive: zipfile.ZipFile,
    name: str,
    kind: str,
    events: tuple[str, ...],
    tag: str | None = None,
) -> Iterator[tuple[str, Any]]:
    """Parse events of a part of any size, of one tag only if it is given ("{*}row" in any namespace).
    The caller clears elements that it is done with."""
    try:
        with archive.open(name) as file:
            parser = etree.iterparse(file, events=events, tag=tag, **_SAFE)
            checked = False
            for event, element in parser:
                if not checked:
                    checked = True
                    _refuse_doctype(element.getroottree(), name, kind)
                yield event, element
    except etree.XMLSyntaxError as error:
        raise Broken(kind=kind, reason=f"part {name}: {str(error)[:120]}") from error
    except UNREADABLE as error:
        raise Broken(kind=kind, reason=f"part {name}: {str(error)[:120]}") from error


def drop(element: Any) -> None:
    """Free an element and its finished elder siblings."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def relations(archive: zipfile.ZipFile, part: str, kind: str) -> dict[str, tuple[str, str]]:
    """Relation id -> (last word of its type, target part) of a part; {} where it has none."""
    folder, _, leaf = part.rpartition("/")
    name = f"{folder}/_rels/{leaf}.rels"
    if name not in archive.namelist():
        return {}
    found = {}
    for relation in parse_part(archive, name, kind):
        target = relation.get("Target") or ""
        if relation.get("TargetMode") == "External" or not target:
            continue
        full = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
        word = (relation.get("Type") or "").rpartition("/")[2]
        found[relation.get("Id") or ""] = (word, posixpath.normpath(full))
    return found


def _refuse_doctype(tree: Any, name: str, kind: str) -> None:
    if tree.docinfo.doctype:
        raise Broken(kind=kind, reason=f"part {name} declares a DOCTYPE, which Office never does")
