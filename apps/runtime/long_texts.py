"""Texts that are longer than one reply may be: where they are cut, and what each part's model is told.

The step that writes the prompt does not know how much the model may answer, and the step that asks the
model does not know what to tell it of a part. So messages of a text that can be divided travel as `Divided`:
for whoever does not care they are the messages for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

from apps.runtime.errors import UserFault
from apps.runtime.resources import Turn

Kind = Literal["text", "code"]

ROOM: Final = 0.5
"""Of the tokens that a reply may have, so many a part takes itself: translations are longer in most
languages, up to twice as long in the tokens of models that were made for English."""
PARTS_MOST: Final = 200
PART_CHARS_LEAST: Final = 200
TAIL_CHARS: Final[dict[Kind, int]] = {"text": 300, "code": 800}
"""Of what was written before, so much the next part's model is shown."""

_BORDERS: Final[dict[Kind, tuple[re.Pattern[str], ...]]] = {
    "text": (
        re.compile(r"\n[ \t]*\n\s*"),
        re.compile(r"\n\s*"),
        re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”’»)\]])\s+|(?<=[。！？])"),
        re.compile(r"\s+"),
    ),
    "code": (
        re.compile(r"\n(?:[ \t]*\n)+(?=[^\s})\]])"),
        re.compile(r"\n(?=[^\s})\]])"),
        re.compile(r"\n(?:[ \t]*\n)+"),
        re.compile(r"\n"),
        re.compile(r"\s+"),
    ),
}
"""The best borders first: paragraphs, lines, sentences, words; blocks at the outermost level, lines."""


class TextTooLong(UserFault):
    code = "run.translation-too-long"
    sentence = (
        "The text has {chars:,} characters, which would take {parts} requests; {most} are allowed. "
        "Raise the longest length of a reply (max. tokens), or send a shorter text."
    )


@dataclass(frozen=True, slots=True)
class Part:
    """joint: the white space between it and the next part, as it stood in the text"""

    text: str
    joint: str = ""


Build = Callable[[str, str], tuple[Turn, ...]]
"""Messages for a part, given the end of what was written for the part before ("" for the first)."""


class Divided(tuple[Turn, ...]):
    """The messages for the whole text, and what it takes to ask for it in parts."""

    text: str
    kind: Kind
    build: Build

    @classmethod
    def of(cls, text: str, kind: Kind, build: Build) -> Self:
        made = cls(build(text, ""))
        made.text, made.kind, made.build = text, kind, build
        return made

    def parts(self, max_tokens: int | None) -> list[Part]:
        """As few as a reply of max_tokens allows. Raises TextTooLong."""
        if max_tokens is None:
            return [Part(self.text)]
        chars_per_token = len(self.text) / max(1.0, tokens_in(self.text))
        size = max(PART_CHARS_LEAST, int(max_tokens * ROOM * chars_per_token))
        if len(self.text) > size * PARTS_MOST:
            count = -(-len(self.text) // size)
            raise TextTooLong(chars=len(self.text), parts=count, most=PARTS_MOST)
        return list(cut(self.text, size, self.kind))

    def tail(self, written: str) -> str:
        """The end of what was written, from the beginning of a sentence or line."""
        most = TAIL_CHARS[self.kind]
        if len(written) <= most:
            return written
        end = written[-most:]
        for border in _BORDERS[self.kind][1:]:
            if found := border.search(end):
                return end[found.end() :] or end
        return end


def tokens_in(text: str) -> float:
    """An estimate: four letters of Latin script, two of other alphabets, one sign of a script of words."""
    far = sum(letter >= "\u2e80" for letter in text)
    near = sum(letter >= "\u0370" for letter in text) - far
    return far + near / 2 + (len(text) - far - near) / 4


def cut(text: str, size: int, kind: Kind) -> Iterator[Part]:
    """Parts of at most `size` characters, each as long as a good border allows. Joined with their joints
    they are the text."""
    begin = 0
    while len(text) - begin > size:
        stop, after = _border(text, begin, size, kind)
        yield Part(text[begin:stop], text[stop:after])
        begin = after
    yield Part(text[begin:])


def _border(text: str, begin: int, size: int, kind: Kind) -> tuple[int, int]:
    """The last border of the best kind in the second half of what may be taken."""
    least, most = begin + size // 2, begin + size
    for border in _BORDERS[kind]:
        last = None
        for last in border.finditer(text, least, most + 1):  # noqa: B007 - the last one is wanted
            pass
        if last:
            whole = border.match(text, last.start()) or last  # white space may go on behind `most`
            return whole.start(), whole.end()
    return most, most


class Unfenced:
    """One block of code of the several that parts come in: what stands in them passes as it arrives, the
    fences between them do not; what was said beside the code waits for its end."""

    def __init__(self) -> None:
        self._line = ""
        self._state: Literal["before", "fenced", "plain", "after"] = "before"
        self._fence = ""
        self._parts = 0
        self._beside: list[str] = []
        self._line_begun = False

    def feed(self, text: str) -> str:
        *lines, self._line = (self._line + text).split("\n")
        shown = "".join(self._passed(f"{line}\n") for line in lines)
        if self._state == "plain" or (self._state == "fenced" and not _may_be_fence(self._line)):
            shown, self._line = shown + self._line, ""
        return self._seen(shown)

    def part_ends(self, joint: str) -> str:
        """joint: what stands between this part and the next in the source"""
        last, self._line = self._line, ""
        shown = self._seen(self._passed(last) if last else "")
        lines = (joint.count("\n") or 1) - (not self._line_begun)
        self._state, self._parts = "before", self._parts + 1
        return self._seen(shown + "\n" * lines)

    def end(self) -> str:
        """What is left once the last part is whole."""
        last, self._line = self._line, ""
        shown = self._seen(self._passed(last) if last else "")
        if self._fence:
            shown += "\n```" if self._line_begun else "```"
        return "\n\n".join([shown, "\n".join(self._beside)]) if self._beside else shown

    def _seen(self, shown: str) -> str:
        if shown:
            self._line_begun = not shown.endswith("\n")
        return shown

    def _passed(self, line: str) -> str:
        if self._state == "before":
            if not line.strip():
                return ""
            self._state = "fenced" if _is_fence(line) else "plain"
            if self._state == "plain":
                return line
            if self._parts:
                return ""
            self._fence = line
            return line
        if self._state == "fenced" and _is_fence(line):
            self._state = "after"
            return ""
        if self._state == "after":
            self._beside += [line.strip()] if line.strip() else []
            return ""
        return line


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith("```")


def _may_be_fence(line: str) -> bool:
    """Whether a line that has only begun may turn out to be one."""
    begun = line.lstrip()
    return not begun or begun.startswith("```"[: len(begun)])
