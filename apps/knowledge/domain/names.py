"""File names as they arrive from browsers and folders, made safe to keep and to show."""

from __future__ import annotations

import unicodedata

NAME_CHARS = 400
PART_CHARS = 150
JUNK_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".gitkeep"})
"""What systems leave in folders; nobody means to upload it."""


def clean_name(raw: str) -> str:
    """A relative path with forward slashes.

    No parent or absolute parts, no control, format (bidi override) or unassigned characters, at
    most NAME_CHARS long with the ending kept. "file" where nothing is left.
    """
    text = unicodedata.normalize("NFC", raw.replace("\\", "/"))
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    parts = [part.strip() for part in text.split("/")]
    parts = [part for part in parts if part not in {"", ".", ".."} and not _is_drive(part)]
    name = "/".join(_shorten(part) for part in parts) or "file"
    while len(name) > NAME_CHARS:
        _, _, name = name.partition("/")
    return name


def is_junk(name: str) -> bool:
    folders, _, leaf = name.rpartition("/")
    return leaf.lower() in JUNK_NAMES or leaf.startswith("~$") or "__MACOSX" in folders.split("/")


def suffix_of(name: str) -> str:
    """The ending in lower case with its dot, or ""."""
    leaf = name.rpartition("/")[2]
    stem, dot, ending = leaf.rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""


def _is_drive(part: str) -> bool:
    return len(part) == 2 and part[1] == ":" and part[0].isalpha()


def _shorten(part: str) -> str:
    if len(part) <= PART_CHARS:
        return part
    ending = suffix_of(part)[:20]
    return part[: PART_CHARS - len(ending)] + ending
