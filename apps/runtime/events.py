"""What a run tells while it runs. Every event is frozen and JSON-safe through `as_dict()`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from apps.runtime.media import Media

FinishReason = Literal["stop", "length", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One retrieved piece of a document.

    start, end   character offsets of `text` in the document's extracted text
    page         1-based page, slide or sheet number where the format has one
    score        the retriever's score, larger is better; comparable within one answer only
    """

    chunk_id: str
    document_id: str
    document: str
    text: str
    score: float
    ordinal: int = 0
    start: int = 0
    end: int = 0
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """Mark `[number]` in an answer and the passage it stands for.

    quote, quote_start, quote_end   the words the answer relies on and their offsets in
                                    `passage.text`; empty and 0, 0 where the whole passage is meant
    """

    number: int
    passage: Passage
    quote: str = ""
    quote_start: int = 0
    quote_end: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    node: str
    component: str


@dataclass(frozen=True, slots=True)
class Token:
    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Documents:
    node: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; `estimated` where the server sent none and we counted stream events."""

    node: str
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    node: str
    duration_ms: float
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    node: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that went wrong at a step and did not keep the answer from its reader."""

    node: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Sound:
    """The next part of the answer as it is said aloud; the Answer has the whole as one."""

    node: str
    number: int
    media: Media


@dataclass(frozen=True, slots=True)
class Answer:
    """The last event of every run that was not cancelled: the whole reply."""

    text: str
    citations: tuple[Citation, ...] = ()
    finish_reason: FinishReason = "stop"
    model: str = ""
    generated: bool = True
    """False where no language model took part (the extractive answerer)."""
    time_to_first_token_ms: float | None = None
    duration_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    media: tuple[Media, ...] = ()
    """Sound or pictures that belong to the reply."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step on a branch that was not taken."""

    node: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in the sound that came with the question."""

    node: str
    text: str


Event = (
    Started
    | Token
    | Documents
    | Usage
    | Finished
    | Failed
    | Skipped
    | Heard
    | Notice
    | Sound
    | Answer
)


def as_dict(event: Event) -> dict[str, Any]:
    """The event as one JSON object, `type` first."""
    if isinstance(event, Answer) and event.media:
        plain = asdict(replace(event, media=()))
        return {"type": "answer", **plain, "media": [one.as_dict() for one in event.media]}
    if isinstance(event, Sound):
        known = {"node": event.node, "number": event.number}
        return {"type": "sound", **known, "media": event.media.as_dict()}
    return {"type": type(event).__name__.lower(), **asdict(event)}
