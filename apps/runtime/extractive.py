"""Answers by quoting the passages, word for word, where no language model is connected.

Sentences are weighed by meaning (cosine of embeddings), by the question's words and by the rank of their
passage. A quotation grows to what belongs together: the items of a list, the row with its table's head,
the command after its introduction. Where nothing is near the question, that is said.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.runtime.embedding import Embedder
from apps.runtime.events import Citation, Passage
from apps.runtime.ports import Reply
from apps.runtime.retrieval import similarities
from apps.runtime.sentences import Sentence, sentences
from apps.runtime.terms import query_terms, terms

NOTHING_FOUND = (
    "Nothing in the documents seems to answer this question. "
    "Try other words, or ask about something the documents describe."
)
MODEL = "extractive"

QUOTATIONS = 4
QUOTE_CHARS, ANSWER_CHARS = 900, 1800
COMFORT_CHARS = 320
"""A sentence is quoted with its neighbours in the paragraph up to this length."""
CANDIDATES = 40
"""Sentences that are embedded, the lexically best ones; bounds the time of an answer."""
MEANING, WORDS, RANK = 0.6, 0.3, 0.1
"""Weights of cosine, covered question words, and passage rank; they add up to 1."""
SHAPE = 0.08
"""Added where the sentence has the form that the question asks for: a definition, a number."""
POOR = 0.15
"""Taken off links, figure titles, scraps and introductions whose matter the passage does not hold: they
name a subject and say nothing about it."""
NEAR = 0.8
"""Further quotations must reach this share of the best one's weight."""
COSINE_SURE, WORDS_SURE = 0.48, 0.6
COSINE_FLOOR, WORDS_FLOOR = 0.38, 0.2
"""One of the first two, or both of the others, or the best sentences are taken not to answer the question.
Measured on 67 questions with answers in 76 documents and 40 about anything else: as many right
quotations as with the cosine's floor alone, and a third of the irrelevant ones."""
HEADING_SHARE = 0.5
"""What a question's word counts that stands only in the heading over the sentence."""

_DEFINITION = re.compile(
    r"^\W*(?:what|who)\s*(?:is|are|'s|does)\b(?!.*\b(?:port|version|number|date|url)\b)", re.I
)
_IS = re.compile(r"\b(?:is|are|refers? to|means?|stands? for|provides?|consists? of)\b", re.I)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|big|large|fast|often|tall|wide|high|deep|far|heavy)|when|which year|port|version|number|date|percent\w*)\b",
    re.I,
)
_LIST = re.compile(
    r"\b(?:how (?:do|can|to|should)|steps?|which|list|what are|ways?|requirements?|prerequisites?)\b",
    re.I,
)
_POOR = re.compile(
    r"^(?:.{0,24}|.*\bmore (?:information|details?)\b.*|\W*(?:see|refer|figure|fig\.|table)\b.*|.{0,60}https?://\S+\W*)$",
    re.I | re.S,
)


_BOLD = re.compile(r"(\*\*|__)(?!\1)[^\n]{1,120}(?<![.!?])\1")


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A sentence of passage `number` (from 0), at `place` among that passage's sentences."""

    weight: float
    cosine: float
    share: float
    number: int
    place: int


@dataclass(frozen=True, slots=True)
class _Quote:
    number: int
    start: int
    end: int


def answer_from(
    question: str, passages: Sequence[Passage], embedder: Embedder | None
) -> tuple[list[str], Reply]:
    """The answer in pieces for streaming, and whole. Without an embedder, words alone decide.

    At most one quotation per passage, followed by " [n]", n being the passage's place from 1.
    Computes: call it in a thread.
    """
    parsed = [sentences(passage.text) for passage in passages]
    weighed = _weigh(question, passages, parsed, embedder)
    quotes = _chosen(question, passages, parsed, weighed) if _fits(weighed, embedder) else []
    if not quotes:
        return [NOTHING_FOUND], Reply(NOTHING_FOUND, (), "stop", MODEL, generated=False)
    pieces = [_piece(passages[quote.number], quote) for quote in quotes]
    pieces = [pieces[0], *(f"\n\n{piece}" for piece in pieces[1:])]
    citations = tuple(_citation(passages[quote.number], quote) for quote in quotes)
    return pieces, Reply("".join(pieces), citations, "stop", MODEL, generated=False)


def _piece(passage: Passage, quote: _Quote) -> str:
    """The quotation and its mark, where a mark can stand: not inside code, not in a table's row."""
    text = passage.text[quote.start : quote.end]
    last = text.rsplit("\n", 1)[-1].strip()
    fences = sum(line.lstrip().startswith(("```", "~~~")) for line in text.split("\n"))
    if fences % 2:
        text += "\n```"
    gap = "\n\n" if fences or last.endswith("|") else " "
    return f"{text}{gap}[{quote.number + 1}]"


def _citation(passage: Passage, quote: _Quote) -> Citation:
    text = passage.text[quote.start : quote.end]
    return Citation(quote.number + 1, passage, text, quote.start, quote.end)


def _fits(weighed: Sequence[_Weighed], embedder: Embedder | None) -> bool:
    if not weighed:
        return False
    if embedder is None:
        return weighed[0].share >= WORDS_SURE
    return any(
        row.cosine >= COSINE_SURE
        or row.share >= WORDS_SURE
        or (row.cosine >= COSINE_FLOOR and row.share >= WORDS_FLOOR)
        for row in weighed[:3]
    )


def _weigh(
    question: str,
    passages: Sequence[Passage],
    parsed: Sequence[Sequence[Sentence]],
    embedder: Embedder | None,
) -> list[_Weighed]:
    """All sentences worth a look, best first."""
    wanted = query_terms(question)
    places = [
        (number, place)
        for number, found in enumerate(parsed)
        for place, sentence in enumerate(found)
        if sentence.kind not in ("heading", "markup") and _telling(sentence)
    ]
    words = {at: set(terms(parsed[at[0]][at[1]].text)) for at in places}
    headings = [set(terms(_heading(passage))) for passage in passages]
    idf = _rarity(wanted, words.values())
    shares = {at: _share(wanted, idf, words[at], headings[at[0]]) for at in places}
    places.sort(key=lambda at: (-shares[at] - RANK / (at[0] + 1), at))
    places = places[:CANDIDATES]
    cosines = _cosines(question, passages, parsed, places, embedder)
    rows = [
        _Weighed(
            weight=MEANING * cosine
            + WORDS * shares[at]
            + RANK / (at[0] + 1)
            + _shape(question, parsed[at[0]][at[1]])
            - (POOR if _is_poor(parsed[at[0]], at[1]) else 0.0),
            cosine=cosine,
            share=shares[at],
            number=at[0],
            place=at[1],
        )
        for at, cosine in zip(places, cosines, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.weight, row.number, row.place))


def _is_poor(found: Sequence[Sentence], place: int) -> bool:
    last = place + 1 == len(found)
    return bool(_POOR.search(found[place].text)) or (last and _introduces(found[place]))


def _telling(sentence: Sentence) -> bool:
    letters = sum(char.isalnum() for char in sentence.text)
    return letters >= 8 and len(sentence.text) <= QUOTE_CHARS


def _heading(passage: Passage) -> str:
    return passage.heading.rpartition("›")[2].strip()


def _rarity(wanted: Sequence[str], found: Iterable[set[str]]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    total = 0
    for words in found:
        total += 1
        counts.update(words.intersection(wanted))
    return {term: math.log1p((total + 1) / (counts[term] + 0.5)) for term in wanted}


def _share(
    wanted: Sequence[str], idf: Mapping[str, float], words: set[str], heading: set[str]
) -> float:
    """Share of the question's words, by rarity, that the sentence or its heading holds."""
    whole = sum(idf.values())
    held = sum(
        idf[term] * (1.0 if term in words else HEADING_SHARE if term in heading else 0.0)
        for term in wanted
    )
    return held / whole if whole else 0.0


def _cosines(
    question: str,
    passages: Sequence[Passage],
    parsed: Sequence[Sequence[Sentence]],
    places: Sequence[tuple[int, int]],
    embedder: Embedder | None,
) -> list[float]:
    if embedder is None or not places:
        return [0.0] * len(places)
    texts = [question]
    for number, place in places:
        heading = _heading(passages[number])
        text = parsed[number][place].text
        texts.append(f"{heading}: {text}" if heading else text)
    vectors = embedder.embed(texts)
    return [float(value) for value in similarities(vectors[1:], vectors[0])]


def _shape(question: str, sentence: Sentence) -> float:
    if _NUMBER.search(question):
        return SHAPE if any(char.isdigit() for char in sentence.text) else 0.0
    if _DEFINITION.search(question):
        return SHAPE if sentence.kind == "prose" and _IS.search(sentence.text) else 0.0
    return 0.0


def _chosen(
    question: str,
    passages: Sequence[Passage],
    parsed: Sequence[Sequence[Sentence]],
    weighed: Sequence[_Weighed],
) -> list[_Quote]:
    """The best sentence's quotation, and near ones of other passages that say something else."""
    listing = bool(_LIST.search(question))
    quotes: list[_Quote] = []
    seen: list[set[str]] = []
    left = ANSWER_CHARS
    for row in weighed:
        if len(quotes) == QUOTATIONS or row.weight < NEAR * weighed[0].weight:
            break
        if any(quote.number == row.number for quote in quotes):
            continue
        weights = {other.place: other.weight for other in weighed if other.number == row.number}
        start, end = _grown(parsed[row.number], row.place, weights, listing)
        words = set(terms(passages[row.number].text[start:end]))
        if end - start > left or any(_same(words, other) for other in seen):
            continue
        quotes.append(_Quote(row.number, start, end))
        seen.append(words)
        left -= end - start
    return quotes


def _same(words: set[str], other: set[str]) -> bool:
    return len(words & other) >= 0.8 * min(len(words), len(other))


def _grown(
    found: Sequence[Sentence], place: int, weights: Mapping[int, float], listing: bool
) -> tuple[int, int]:
    """The offsets of the sentence with what it cannot be read without.

    A table's row takes the rows above it, which hold its head; an item, when a list is asked for, its
    list; prose its neighbours, the heavier one first; what introduces something, the thing introduced.
    """
    first = last = place
    kind = found[place].kind
    if kind == "row" or (kind == "item" and listing):
        while first > 0 and found[first - 1].kind == kind:
            first -= 1
        while kind == "item" and last + 1 < len(found) and found[last + 1].kind == kind:
            last += 1
    elif kind in ("prose", "item"):
        first, last = _paragraph(found, place, weights)
    if found[first].kind in ("item", "row", "code") and first and _introduces(found[first - 1]):
        first -= 1
    if last + 1 < len(found) and (
        _introduces(found[last]) or (listing and found[last + 1].kind == "code")
    ):
        last = _followed(found, last + 1)
    while last > place and (
        found[last].end - found[first].start > QUOTE_CHARS or not _telling(found[last])
    ):
        last -= 1
    while first < place and found[last].end - found[first].start > QUOTE_CHARS:
        first += 1
    return found[first].start, found[last].end


def _paragraph(
    found: Sequence[Sentence], place: int, weights: Mapping[int, float]
) -> tuple[int, int]:
    """The sentence with neighbours of its paragraph or item, while it stays comfortably short."""
    first = last = place
    while True:
        near = [
            other
            for other in (first - 1, last + 1)
            if 0 <= other < len(found)
            and found[other].block == found[place].block
            and found[max(last, other)].end - found[min(first, other)].start <= COMFORT_CHARS
        ]
        if not near:
            return first, last
        chosen = max(near, key=lambda other: (weights.get(other, 0.0), other))
        first, last = min(first, chosen), max(last, chosen)


def _introduces(sentence: Sentence) -> bool:
    """Whether something has to follow: it ends in a colon, or it is a title set in bold."""
    if sentence.kind not in ("prose", "item"):
        return False
    return sentence.text.rstrip("*_` ").endswith(":") or bool(_BOLD.fullmatch(sentence.text))


def _followed(found: Sequence[Sentence], place: int) -> int:
    """The last of the list, table or code block that begins at `place`."""
    kind = found[place].kind
    while kind in ("item", "row") and place + 1 < len(found) and found[place + 1].kind == kind:
        place += 1
    return place
