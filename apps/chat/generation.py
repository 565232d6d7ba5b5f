"""Writes claimed replies: runs the application, feeds the readers, keeps and ends the row."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from django.db import DatabaseError

from apps.chat import sse
from apps.chat.enums import MessageStatus
from apps.chat.errors import ReplyCrashed, ReplyNotSaved
from apps.chat.gateway import gateway
from apps.chat.live import LiveReply, registry
from apps.chat.messages import ending_of
from apps.chat.replies import Outcome, Work, finish_reply, keep_replies, stops_requested
from apps.chat.rows import in_rows
from apps.runtime import events
from apps.runtime.errors import StudioError

log = structlog.get_logger(__name__)

TICK_S = 0.25
"""How often stops asked for in other processes are looked for."""
SAVE_S = 1.0
"""How often the text so far goes to the row, and with it the sign of life."""
SAVE_ATTEMPTS = 3
KEPT_CHARS = 600
"""Of each text that went through a step, in the trace of a reply."""

_tasks: set[asyncio.Task[Any]] = set()
_keeper: asyncio.Task[None] | None = None


def launch(work: Work, *, attended: bool = True) -> LiveReply:
    """Have a claimed reply written, starting now. On the event loop."""
    live = LiveReply(work.reply.pk, attended=attended)
    registry.add(live)
    live.written_by(_spawn(_write(live, work)))
    _keep_going()
    return live


def launch_soon(work: Work) -> None:
    """From any thread: have a reply written that nobody needs to read along."""
    if registry.loop and registry.loop.is_running():
        registry.loop.call_soon_threadsafe(partial(launch, work, attended=False))
    else:
        async_to_sync(_write)(LiveReply(work.reply.pk, attended=False), work)


async def finish_all() -> None:
    """Stop all replies with their text kept, because the process ends."""
    registry.interrupt_all()
    if _tasks:
        await asyncio.wait(_tasks, timeout=3)


def _spawn(coroutine: Any) -> asyncio.Task[Any]:
    task = asyncio.create_task(coroutine)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


@dataclass
class Draft:
    """What has been seen of a run so far."""

    started: float = field(default_factory=time.perf_counter)
    first_token_ms: float | None = None
    first_sound_ms: float | None = None
    answer: events.Answer | None = None
    failed: events.Failed | None = None
    heard: str = ""
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)

    def node(self, name: str) -> dict[str, Any]:
        return self.nodes.setdefault(name, {"node": name})


async def _write(live: LiveReply, work: Work) -> None:
    draft = Draft()
    try:
        await _consume(live, work, draft)
    except asyncio.CancelledError:
        outcome = _cut(live, draft)
    except StudioError as error:
        outcome = replace(_cut(live, draft), status=MessageStatus.FAILED, error=error)
    except Exception:  # the edge of the task: log everything, show a safe message
        log.exception("chat.reply-crashed", reply=str(live.reply_id))
        outcome = replace(_cut(live, draft), status=MessageStatus.FAILED, error=ReplyCrashed())
    else:
        outcome = _whole(live, draft)
    live.seal()
    live.end(await _record(work, outcome))
    registry.remove(live)


async def _consume(live: LiveReply, work: Work, draft: Draft) -> None:
    run = gateway().run(work.prepared, work.request)
    async with aclosing(run) as stream:  # type: ignore[type-var]
        async for event in stream:
            _note(live, draft, event)


def _note(live: LiveReply, draft: Draft, event: events.Event) -> None:
    match event:
        case events.Token(node, text):
            if draft.first_token_ms is None:
                draft.first_token_ms = (time.perf_counter() - draft.started) * 1000
                began = draft.began.get(node, draft.started)
                draft.node(node)["first_token_ms"] = round((time.perf_counter() - began) * 1000, 1)
            live.add_text(text)
        case events.Documents(node, passages):
            live.add_passages(passages)
            draft.node(node)["passages"] = [_traced(passage) for passage in passages]
        case events.Started(node, component):
            draft.node(node)["component"] = component
            draft.began[node] = time.perf_counter()
            draft.node(node)["at_ms"] = round((draft.began[node] - draft.started) * 1000, 1)
        case events.Usage(node, prompt_tokens, completion_tokens, estimated):
            row = draft.node(node)  # a step may ask more than once
            row["prompt_tokens"] = row.get("prompt_tokens", 0) + prompt_tokens
            row["completion_tokens"] = row.get("completion_tokens", 0) + completion_tokens
            row["estimated"] = row.get("estimated", False) or estimated
        case events.Finished(node, duration_ms, outputs):
            draft.node(node)["duration_ms"] = round(duration_ms, 1)
            for side in ("in", "out"):
                if side in outputs:
                    draft.node(node)[side] = _cut_short(outputs[side])
            if notes := _notes(outputs):
                draft.node(node)["notes"] = notes
        case events.Skipped(node):
            draft.node(node)["skipped"] = True
        case events.Failed(node, code, message):
            draft.node(node).update(error_code=code, error=message)
        case events.Notice(node, code, message):
            draft.node(node).update(error_code=code, error=message)
        case events.Sound(media=sound):
            if draft.first_sound_ms is None:
                draft.first_sound_ms = (time.perf_counter() - draft.started) * 1000
            live.add_sound(sound)
        case events.Heard(node, text):
            draft.heard = text
            live.add_heard(text)
        case events.Answer():
            draft.answer = event


def _notes(outputs: dict[str, Any]) -> dict[str, Any]:
    """What the step says about itself in single values ("target": "French")."""
    return {
        name: _cut_short(value)
        for name, value in outputs.items()
        if isinstance(value, str | int | float) and value != ""
    }


def _cut_short(value: Any) -> Any:
    """Values of ports, short enough to be kept with every reply."""
    if isinstance(value, str):
        return value if len(value) <= KEPT_CHARS else value[:KEPT_CHARS] + "…"
    if isinstance(value, dict):
        return {key: _cut_short(item) for key, item in value.items()}
    return [_cut_short(item) for item in value] if isinstance(value, list) else value


def _traced(passage: events.Passage) -> dict[str, Any]:
    values = asdict(passage)
    return values | {"text": passage.text[:400], "score": round(passage.score, 4)}


def _whole(live: LiveReply, draft: Draft) -> Outcome:
    answer = draft.answer
    if answer is None:
        return replace(_cut(live, draft), status=MessageStatus.FAILED, error=ReplyCrashed())
    return Outcome(
        status=MessageStatus.COMPLETE,
        text=answer.text or live.text,
        media=answer.media,
        heard=draft.heard,
        citations=[asdict(citation) for citation in answer.citations],
        trace=list(draft.nodes.values()),
        usage={
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "finish_reason": answer.finish_reason,
            "duration_ms": round(answer.duration_ms, 1),
            "time_to_first_token_ms": answer.time_to_first_token_ms
            and round(answer.time_to_first_token_ms, 1),
            **_spoken(draft, answer),
        },
        model=answer.model,
        generated=answer.generated,
    )


def _spoken(draft: Draft, answer: events.Answer) -> dict[str, Any]:
    """What only some replies have: when the first sound was there, and what went wrong beside the text."""
    found: dict[str, Any] = {}
    if draft.first_sound_ms is not None:
        found["time_to_first_sound_ms"] = round(draft.first_sound_ms, 1)
    if answer.notices:
        rows = [{"code": one.code, "message": one.message} for one in answer.notices]
        found["notices"] = rows
    return found


def _cut(live: LiveReply, draft: Draft) -> Outcome:
    """The outcome of a run that was ended early: the text that had arrived, with its citations."""
    stopped = live.stopped or live.reason is None
    return Outcome(
        status=MessageStatus.STOPPED if stopped else MessageStatus.INTERRUPTED,
        text=live.text,
        heard=draft.heard,
        citations=_citations_in(live.text, live.passages),
        trace=list(draft.nodes.values()),
        usage={
            "duration_ms": round((time.perf_counter() - draft.started) * 1000, 1),
            "time_to_first_token_ms": draft.first_token_ms and round(draft.first_token_ms, 1),
        },
        error=None if stopped else live.reason,
    )


def _citations_in(text: str, passages: tuple[events.Passage, ...]) -> list[dict[str, Any]]:
    return [
        asdict(events.Citation(number, passage))
        for number, passage in enumerate(passages, 1)
        if f"[{number}]" in text
    ]


async def _record(work: Work, outcome: Outcome) -> bytes:
    """Write the end to the row and make the readers' last event of it."""
    for attempt in range(SAVE_ATTEMPTS):
        try:
            return await in_rows(_finish, work, outcome)
        except DatabaseError:
            log.exception("chat.reply-not-saved", reply=str(work.reply.pk), attempt=attempt + 1)
            await asyncio.sleep(0.5 * (attempt + 1))
    error = ReplyNotSaved()
    work.reply.error_code, work.reply.error_message = error.code, str(error)
    return sse.failed(error.code, str(error), "")


def _finish(work: Work, outcome: Outcome) -> bytes:
    if finish_reply(reply=work.reply, outcome=outcome):
        return ending_of(work.reply)
    return ending_of(type(work.reply).objects.filter(pk=work.reply.pk).first())


def _keep_going() -> None:
    global _keeper
    if _keeper is None or _keeper.done():
        _keeper = _spawn(_keep())


async def _keep() -> None:
    """While replies are written: save them, all in one go, and look for stops from elsewhere."""
    saved_at = time.monotonic()
    while lives := registry.all():
        await asyncio.sleep(TICK_S)
        texts = {}
        if time.monotonic() - saved_at >= SAVE_S:
            saved_at = time.monotonic()
            texts = {live.reply_id: live.text for live in lives}
        with suppress(DatabaseError):
            for reply_id in await in_rows(_keep_rows, texts):
                if live := registry.get(reply_id):
                    live.stop()


def _keep_rows(texts: dict[Any, str]) -> list[Any]:
    if texts:
        keep_replies(texts=texts)
    return stops_requested()
