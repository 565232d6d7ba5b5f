"""What the composer offers for one application: files, a microphone, fields, and words to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.chat.attachments import COUNT, LIMITS_MIB, MIB
from apps.chat.enums import MediaKind
from apps.chat.gateway import ChatApp
from apps.runtime.languages import PROGRAMMING, SPOKEN

CODE: Final = frozenset({"code-gen", "code-trans"})
"""Kinds of application whose languages are those of programs."""
LABELS: Final = {"source": "From", "target": "Into", "language": "Language"}
"""Of the fields that name a language."""
HINTS: Final = {"source": "found out", "target": "language", "language": "any"}
"""Grey in an empty field: what it means to leave it so."""
PLURALS: Final = {"image": "pictures", "audio": "sound", "document": "documents"}
SUFFIXES: Final = {
    "image": ("image/png", "image/jpeg", "image/gif", "image/webp"),
    "audio": ("audio/*", ".wav", ".mp3", ".m4a", ".ogg", ".flac", ".webm"),
    "document": (
        ".pdf", ".docx", ".pptx", ".xlsx", ".html", ".md", ".csv", ".tsv", ".txt",
        ".py", ".js", ".ts", ".java", ".c", ".h", ".cpp", ".cs", ".go", ".rs", ".rb", ".php", ".sql", ".sh",
    ),
}  # fmt: skip
"""What the file dialog shows; what a file is, its content says once it has come."""


@dataclass(frozen=True, slots=True)
class Words:
    """placeholder: in the empty field; greeting, icon: in the empty conversation; starters: to press;
    waits: what to add before a starter is sent, where words alone are no question
    """

    placeholder: str
    greeting: str
    starters: tuple[str, ...] = ()
    icon: str = "chat"
    waits: str = ""


@dataclass(frozen=True, slots=True)
class ChatField:
    """One value beside the question. choices: proposals; whatever is typed is taken."""

    name: str
    label: str
    value: str
    hint: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Starter:
    """enclosed: address of the file that it brings along; waits: what is to be added by hand"""

    text: str
    enclosed: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """limits: bytes of one file, by kind; accept, files: the same for a file dialog and in words"""

    words: Words
    starters: tuple[Starter, ...]
    fields: tuple[ChatField, ...]
    limits: dict[str, int]
    accept: str
    files: str
    records: bool
    count: int = COUNT


WORDS: Final = {
    "audio-chat": Words(
        "Ask a question, or record it",
        "Press Record and ask aloud, or type. Answers can be heard and read.",
        icon="mic",
    ),
    "visual-chat": Words(
        "Ask about a picture",
        "Drop, paste or attach a picture, and ask what you want to know about it.",
        icon="image",
        waits="Attach the picture that it is about, then send.",
    ),
    "translation": Words(
        "Paste a text to translate",
        "Paste a text or attach a document, and choose the language above the field.",
        icon="globe",
    ),
    "code-gen": Words(
        "Describe the program you need",
        "Say what the program shall do. Each block of code has a button that copies it.",
        (
            "A function that checks whether a text is a valid IBAN",
            "Read a CSV file and print the mean of each numeric column",
            "Retry a call with growing pauses, five times at most",
        ),
        icon="code",
    ),
    "code-trans": Words(
        "Paste the code to translate",
        "Paste a program or attach its file, and choose the language above the field.",
        ("for (let i = 1; i <= 10; i++) console.log(i * i);",),
        icon="code",
    ),
    "summarizer": Words(
        "Paste a text, or attach a document",
        "Attach a document or paste a text. Words beside a document say what to look for.",
        icon="file",
    ),
}
PLAIN: Final = Words("Ask a question", "Ask a question. The answer is written below it.")
CITING: Final = Words(
    "Ask a question",
    "Ask a question about your documents. Answers name the passages that they rest on.",
)


def offer_of(app: ChatApp, remembered: Mapping[str, str] | None = None) -> Offer:
    """remembered: values of fields that the conversation's last question came with"""
    words = words_of(app)
    return Offer(
        words=words,
        starters=tuple(_starter(text, app, words) for text in words.starters),
        fields=_fields(app, remembered or {}),
        limits={kind: LIMITS_MIB[MediaKind(kind)] * MIB for kind in app.takes},
        accept=",".join(suffix for kind in app.takes for suffix in SUFFIXES[kind]),
        files=_files(app),
        records="audio" in app.takes,
    )


def words_of(app: ChatApp) -> Words:
    """The application's own words first, then those of its kind."""
    usual = WORDS.get(app.application) or (CITING if app.application == "qna" else PLAIN)
    return Words(
        app.placeholder or usual.placeholder,
        app.description or usual.greeting,
        app.starters or usual.starters,
        usual.icon,
        usual.waits,
    )


def _starter(text: str, app: ChatApp, words: Words) -> Starter:
    enclosed = app.enclosed.get(text, "")
    return Starter(text, enclosed, "" if enclosed else words.waits)


def said_beside(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Labels and values of what a question came with; empty ones say nothing."""
    return [(_label(name), value) for name, value in fields.items() if value.strip()]


def _fields(app: ChatApp, remembered: Mapping[str, str]) -> tuple[ChatField, ...]:
    languages = PROGRAMMING if app.application in CODE else SPOKEN
    return tuple(
        ChatField(
            name=name,
            label=_label(name),
            value=remembered.get(name, own),
            hint=HINTS.get(name, ""),
            choices=languages if name in LABELS else (),
        )
        for name, own in app.fields.items()
    )


def _label(name: str) -> str:
    return LABELS.get(name) or name.replace("_", " ").replace("-", " ").capitalize()


def _files(app: ChatApp) -> str:
    """ "Pictures up to 10 MiB, documents up to 20 MiB; at most 4 files." """
    if not app.takes:
        return ""
    kinds = [f"{PLURALS[kind]} up to {LIMITS_MIB[MediaKind(kind)]} MiB" for kind in app.takes]
    words = f"{', '.join(kinds)}; at most {COUNT} files."
    return words[0].upper() + words[1:]
