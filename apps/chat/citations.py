"""Answers as HTML: Markdown made safe, and each `[n]` that has a passage made a button that opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.ui import markup

TAG = re.compile(r'(<(?:"[^"]*"|[^">])*>)')
"""One tag of nh3's output, which quotes every attribute value with double quotes."""
MARK = re.compile(r"\[(\d{1,3})\]")
CLOSED = frozenset({"a", "code", "pre"})
"""Elements in which a mark is left alone: it is part of a link's or a program's text."""


def answer_html(text: str, sources: Mapping[int, tuple[str, str]]) -> SafeString:
    """text: Markdown; sources: by number, what opens the passage (URL) and what it is (label)."""
    return _answer_html(text, tuple(sorted((number, *of) for number, of in sources.items())))


@lru_cache(maxsize=256)
def _answer_html(text: str, sources: tuple[tuple[int, str, str], ...]) -> SafeString:
    buttons = {number: _button(number, url, label) for number, url, label in sources}
    depth = 0
    parts = []
    for part in TAG.split(markup.render(text, shift=2)):
        if part.startswith("<"):
            name = part.strip("</>").partition(" ")[0].lower()
            if name in CLOSED:
                depth += -1 if part.startswith("</") else 1
        elif not depth:
            part = MARK.sub(lambda mark: buttons.get(int(mark[1]), mark[0]), part)
        parts.append(part)
    return mark_safe("".join(parts))  # noqa: S308 - markup.render is safe, _button escapes


def _button(number: int, url: str, label: str) -> SafeString:
    return format_html(
        '<button type="button" class="citation" hx-get="{}" hx-target="#chat-passage" '
        'aria-label="Source {}: {}" aria-haspopup="dialog">{}</button>',
        url,
        number,
        label,
        number,
    )
