"""`genai-studio ask`: one question to a project, answered on the terminal as it comes."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import exits, session
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.runtime.events import Answer, Citation
    from apps.runtime.media import Media
    from apps.runtime.resources import RunRequest

FILES = {
    "image": "a picture to look at",
    "audio": "a spoken question",
    "file": "a document to translate or summarise",
}
HELP = "ask a project a question"
DESCRIPTION = """Ask a project a question. The answer appears as it is written, then the passages it
cites. Without --version the project's present state is built and asked. Pictures, recordings and
documents go along with --image, --audio and --file; with them, the question may be left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", help="its name or id")
    parser.add_argument("question", metavar="QUESTION", nargs="?", default="")
    for kind in ("image", "audio", "file"):
        parser.add_argument(
            f"--{kind}", metavar="FILE", action="append", default=[], help=FILES[kind]
        )
    parser.add_argument(
        "--field",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="what the application asks for beside the question, for example target=German",
    )
    parser.add_argument("--save-audio", metavar="FILE", help="write the spoken answer here")
    parser.add_argument("--version", type=int, metavar="N", dest="number", help="a built version")
    parser.add_argument("--temperature", type=float, metavar="0..2")
    parser.add_argument("--top-p", type=float, metavar="0..1")
    parser.add_argument("--top-k", type=int, metavar="N")
    parser.add_argument("--max-tokens", type=int, metavar="N")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    paths = [*options.image, *options.audio, *options.file]
    if not options.question.strip() and not paths:
        refuse("The question is empty.")
    sampling, fields = _sampling(options), _fields(options.field)
    media = [_media(path) for path in paths]
    user = session.start(options, output)
    from apps.chat.attachments import judged
    from apps.chat.gateway import gateway
    from apps.runtime.resources import RunRequest, Sampling, Turn

    project = session.project_named(user, options.project)
    version = session.version_of(project, options.number, by=user)
    app = gateway().app_for(user, version.app_key)
    if unknown := sorted(set(fields) - set(app.fields)):
        known = ", ".join(app.fields) or "none"
        refuse(f"--field {unknown[0]}: {app.title} has no such field. It has: {known}.")
    prepared = gateway().prepare(user, version.app_key)
    turn = Turn("user", options.question, judged(media, app) if media else ())
    request = RunRequest((turn,), Sampling(**sampling), fields)
    answer = asyncio.run(_answer(prepared, request, output))
    sources = [_source(citation) for citation in answer.citations]
    output.write("\n" if not answer.text.endswith("\n") else "")
    lines = [f"[{one['number']}] {_place(one)}" for one in sources]
    for notice in answer.notices:
        output.note(notice.message)
    if answer.finish_reason == "length":
        output.note(
            "The answer ends here because it reached the longest length allowed (max_tokens)."
        )
    if not answer.generated:
        output.note("No language model is connected: the answer quotes the documents.")
    if options.save_audio:
        _save_sound(options.save_audio, answer, output)
    if output.as_json or lines:
        output.result(_data(answer, sources, version.number), "\n" + "\n".join(lines))
    return exits.OK


def _fields(given: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            refuse(f"--field {text}: write NAME=VALUE, for example target=German.")
        fields[name.strip()] = value.strip()
    return fields


def _media(path: str) -> Media:
    from apps.runtime.media import MEDIA_LIMIT_BYTES, Media

    try:
        with Path(path).open("rb") as file:
            data = file.read(MEDIA_LIMIT_BYTES + 1)
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")
    if len(data) > MEDIA_LIMIT_BYTES:
        refuse(f"{path} is larger than {MEDIA_LIMIT_BYTES // 2**20} MiB.")
    return Media("application/octet-stream", data, Path(path).name)


def _save_sound(path: str, answer: Answer, output: Output) -> None:
    sound = next((one for one in answer.media if one.kind == "audio"), None)
    if sound is None and answer.notices:
        return
    if sound is None:
        output.note("The answer was not spoken; choose a speech synthesis server for it.")
        return
    try:
        Path(path).write_bytes(sound.data)
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.")
    output.note(f"Wrote the spoken answer to {path}.")


def _sampling(options: argparse.Namespace) -> dict[str, Any]:
    """The given values, checked against the spec's own limits."""
    from pydantic import ValidationError

    from apps.projects.domain.shape import range_at
    from apps.projects.domain.spec import Parameters

    names = ("temperature", "top_p", "top_k", "max_tokens")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    try:
        Parameters(**given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        allowed = range_at(("spec", "parameters", name))
        words = allowed.in_words() if allowed else "another value"
        refuse(f"--{name.replace('_', '-')} is {given[name]:g}. It must be {words}.")
    return given


async def _answer(prepared: Any, request: RunRequest, output: Output) -> Answer:
    from apps.chat.gateway import gateway
    from apps.runtime import events
    from apps.runtime.errors import ServiceBroke
    from apps.runtime.http import close_sessions

    answer = None
    try:
        async with aclosing(gateway().run(prepared, request)) as stream:  # type: ignore[type-var]
            async for event in stream:
                if isinstance(event, events.Token):
                    output.write(event.text)
                elif isinstance(event, events.Answer):
                    answer = event
    finally:
        await close_sessions()
    if answer is None:
        raise ServiceBroke(service="The application", reason="it ended without an answer")
    return answer


def _source(citation: Citation) -> dict[str, Any]:
    passage = citation.passage
    return {
        "number": citation.number,
        "document": passage.document,
        "page": passage.page,
        "heading": passage.heading,
        "start": passage.start,
        "end": passage.end,
        "quote": citation.quote or passage.text,
        "chunk_id": passage.chunk_id,
    }


def _place(source: dict[str, Any]) -> str:
    page = f", page {source['page']}" if source["page"] else ""
    heading = f", “{source['heading']}”" if source["heading"] else ""
    return f"{source['document']}{page}{heading}"


def _data(answer: Answer, sources: list[dict[str, Any]], number: int) -> dict[str, Any]:
    return {
        "answer": answer.text,
        "citations": sources,
        "version": number,
        "model": answer.model,
        "generated": answer.generated,
        "finish_reason": answer.finish_reason,
        "notices": [{"code": one.code, "message": one.message} for one in answer.notices],
        "media": [{"mime": one.mime, "size_bytes": len(one.data)} for one in answer.media],
        "time_to_first_token_ms": answer.time_to_first_token_ms,
        "duration_ms": answer.duration_ms,
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
        },
    }
