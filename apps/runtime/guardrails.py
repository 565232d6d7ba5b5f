"""Rules that look at a text without a model: what they find, where, and the text with it hidden.

They are what patterns can be: fast, the same every time, and blind to anything said in other words. The
list of insults is short on purpose. A guard model (`opea` rules) sees more.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

RuleKind = Literal["pii", "prompt-injection", "toxicity", "topic"]
REMOVED: Final = "removed"
SEGMENT_CHARS = 1_000
"""A sentence longer than this (code, a table) is cut at a space."""


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end] is what `label` says: "e-mail address"."""

    start: int
    end: int
    label: str


def find(kind: RuleKind, text: str, words: Sequence[str] = ()) -> list[Span]:
    """What a rule of this kind finds, by place, never overlapping. words: of kind "topic"."""
    if kind == "pii":
        return _apart(span for look in _PERSONAL for span in look(text))
    if kind == "prompt-injection":
        return _apart(_spans(_INJECTION, text, "instruction to the model"))
    if kind == "toxicity":
        return _apart(_spans(_TOXIC, text, "insult or threat"))
    pattern = _any_of(tuple(words))
    return _apart(_spans(pattern, text, "topic")) if pattern else []


def masked(text: str, spans: Iterable[Span]) -> str:
    """The text with each span replaced by its label in brackets."""
    parts, last = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start >= last:
            parts += [text[last : span.start], f"[{span.label}]"]
            last = span.end
    return "".join([*parts, text[last:]])


class Segments:
    """Cuts a text that arrives in pieces into sentences; where it cuts depends on the text alone.

    `feed` gives the sentences that are surely whole, `end` the rest. Joined, they are the text.
    """

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        self._rest += piece
        found: list[str] = []
        while cut := self._cut():
            found.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        return found

    def end(self) -> list[str]:
        rest, self._rest = self._rest, ""
        return [rest] if rest else []

    def _cut(self) -> int:
        """Length of the first sentence, 0 while it is not sure where it ends."""
        match = _SENTENCE_END.search(self._rest, 0, SEGMENT_CHARS + 1)
        if match and match.end() < min(len(self._rest), SEGMENT_CHARS + 1):
            return match.end()
        if len(self._rest) <= SEGMENT_CHARS:
            return 0
        space = self._rest.rfind(" ", 0, SEGMENT_CHARS)
        return space + 1 if space > 0 else SEGMENT_CHARS


_SENTENCE_END = re.compile(r"(?:[.!?…][\"'”’»)\]]*\s|[。！？]|\n)\s*")


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Without those that overlap one given earlier; by place."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _spans(pattern: re.Pattern[str], text: str, label: str) -> Iterator[Span]:
    return (Span(match.start(), match.end(), label) for match in pattern.finditer(text))


# Personal data. Repetitions are bounded, so that no text makes the search slow.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_PHONE = re.compile(
    r"(?<![\w.+-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}[ ]?(?:\(0?\d{1,5}\)[ ]?)?(?:\d[ ./-]?){5,12}\d"  # +49 (0)30 123456
    r"|\(?0[1-9]\d{0,4}\)?[ /-]{1,3}(?:\d[ ./-]?){4,10}\d"  # 030 / 123456
    r"|\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}"  # (212) 555-0123
    r")(?![\w-])"
)
_IBAN_CHARS: Final = dict(
    pair.split(":")
    for pair in [
        "AD:24",
        "AE:23",
        "AT:20",
        "BE:16",
        "BG:22",
        "CH:21",
        "CY:28",
        "CZ:24",
        "DE:22",
        "DK:18",
        "EE:20",
        "ES:24",
        "FI:18",
        "FR:27",
        "GB:22",
        "GR:27",
        "HR:21",
        "HU:28",
        "IE:22",
        "IL:23",
        "IS:26",
        "IT:27",
        "LI:21",
        "LT:20",
        "LU:20",
        "LV:21",
        "MC:27",
        "MT:31",
        "NL:18",
        "NO:15",
        "PL:28",
        "PT:25",
        "RO:24",
        "SA:24",
        "SE:24",
        "SI:19",
        "SK:24",
        "SM:27",
        "TR:26",
    ]
)
"""Length of an IBAN by country (ISO 13616)."""


def _emails(text: str) -> Iterator[Span]:
    return _spans(_EMAIL, text, "e-mail address")


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        chars = [place for place in range(*match.span()) if text[place] != " "]
        length = int(_IBAN_CHARS.get(match[0][:2].upper(), len(chars)))
        number = "".join(text[place] for place in chars[:length]).upper()
        if len(number) == length and is_iban(number):
            yield Span(match.start(), chars[length - 1] + 1, "IBAN")


def is_iban(number: str) -> bool:
    """The checksum of ISO 13616 (mod 97 is 1); without spaces, upper case."""
    moved = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = [int(char) for char in match[0] if char.isdecimal()]
        if is_luhn(digits) and len(set(digits)) > 1:
            yield Span(match.start(), match.end(), "card number")


def is_luhn(digits: Sequence[int]) -> bool:
    """The checksum of card numbers (ISO/IEC 7812)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ssns(text: str) -> Iterator[Span]:
    return _spans(_SSN, text, "social security number")


def _addresses(text: str) -> Iterator[Span]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if any(char.isdecimal() for char in match[0]) and _is_address(match[0]):
                yield Span(match.start(), match.end(), "IP address")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _phones(text: str) -> Iterator[Span]:
    return _spans(_PHONE, text, "phone number")


_PERSONAL: Final[tuple[Callable[[str], Iterator[Span]], ...]] = (
    _emails,
    _ibans,
    _cards,
    _ssns,
    _addresses,
    _phones,
)
"""The more certain first: what one has found is not looked at by those after it."""

_GAP = r"\W+(?:\w+\W+){0,4}?"
_INJECTION = re.compile(
    "|".join(
        (
            rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}(?:instructions?|prompts?|rules|guidelines|directions)\b",
            r"\b(?:ignore|disregard|forget)\W+(?:everything|all)\W+(?:above|before|previous|prior|earlier|you)\b",
            rf"\b(?:reveal|show|print|repeat|output|tell\W+me){_GAP}(?:system\W+prompt|system\W+message|(?:hidden|initial|original)\W+(?:prompt|instructions?))\b",
            r"\byou\W+are\W+(?:now|no\W+longer)\W+(?:\w+\W+){0,3}?(?:dan|jailbroken|unrestricted|unfiltered|bound)\b",
            r"\b(?:developer|god|jailbreak|dan)\W+mode\W+(?:enabled|activated|on)\b",
            rf"\b(?:act|pretend|behave|respond){_GAP}(?:no|without)\W+(?:any\W+)?(?:rules|restrictions|limits|filters|guidelines)\b",
            r"\bdo\W+anything\W+now\b",
            r"\bnew\W+(?:system\W+)?instructions?\s*:",
            r"<\|(?:im_start|im_end|system|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<</?SYS>>",
            r"</?(?:system|assistant)>",
            rf"\b(?:ignorier\w{{0,4}}|vergiss|missachte){_GAP}(?:anweisung(?:en)?|regeln|vorgaben|instruktionen)\b",
            rf"\b(?:zeig\w{{0,3}}|nenn\w{{0,3}}|verrat\w{{0,3}}){_GAP}system\W?prompt\b",
            rf"\bignor(?:e|ez|a){_GAP}(?:instrucciones|instructions|consignes)\b",
        )
    ),
    re.IGNORECASE,
)
_TOXIC = re.compile(
    r"\b(?:"
    r"idiots?|morons?|imbeciles?|scum(?:bags?)?|dumbass(?:es)?|assholes?|bastards?|bitch(?:es)?|dickheads?|"
    r"motherfuckers?|fuck\W+(?:you|off)|fucking\W+\w{1,20}|piece\W+of\W+shit|shut\W+up|"
    r"kill\W+(?:yourself|urself)|(?:i|we)(?:\W+will|['’]ll|\W+am\W+going\W+to)\W+(?:kill|hurt|beat|rape)\W+(?:you|her|him|them)|"
    r"(?:you|they|women|men|foreigners|immigrants)\W+(?:should|must|deserve\W+to)\W+(?:all\W+)?die|"
    r"arschl[oö]ch(?:er)?|wichser|hurensohn|schlampen?|drecksau|missgeburt|verpiss\W+dich|fick\W+dich|halt\W+die\W+fresse|"
    r"ich\W+bring\w?\W+(?:dich|euch|sie|ihn)\W+um"
    r")\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Whole words and phrases, whatever their case and spaces; in scripts without spaces anywhere."""
    parts = [_phrase(word) for word in words if word.strip()]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _phrase(words: str) -> str:
    inner = r"\s+".join(re.escape(word) for word in words.split())
    before = r"(?<!\w)" if words.strip()[0].isalnum() else ""
    after = r"(?!\w)" if words.strip()[-1].isalnum() else ""
    return inner if _UNSPACED.search(words) else f"{before}{inner}{after}"


_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
