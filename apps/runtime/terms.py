"""Words of a text as the lexical index counts them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"\w+(?:[-.'’]\w+)*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+|[^\W_]+")
_CJK = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]+")
MIN_STEM = 3

_STOP_WORDS = """
a about an and any are as at be been but by can could did do does for from had has have how
i if in into is it its me my no not of on or our should so than that the their them then
there these they this to us was we were what when where which who whom whose why will with
would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Dropped from questions that hold other words; texts keep them."""


def terms(text: str) -> list[str]:
    """The text's terms in order; a compound gives itself and its parts.

    "HybridIndex.save_all" -> hybridindex.save_all, hybrid, index, save, all
    """
    return [term for word in WORD.findall(text) for term in word_terms(word)]


def query_terms(text: str) -> list[str]:
    """Distinct terms of a question without stop words, unless it has nothing else."""
    words = WORD.findall(text)
    telling = [word for word in words if word.casefold() not in STOP_WORDS]
    return list(dict.fromkeys(term for word in telling or words for term in word_terms(word)))


@lru_cache(maxsize=200_000)
def word_terms(word: str) -> tuple[str, ...]:
    """The terms of one match of WORD: folded, stemmed, split; the whole first."""
    if not word.isascii():
        word = _without_accents(word)
        if _CJK.search(word):
            return _with_pairs(word)
    whole = word.casefold()
    parts = [part.casefold() for part in _PART.findall(word)]
    if len(parts) < 2:
        return (stem(whole),)
    return tuple(dict.fromkeys([stem(whole), *(stem(part) for part in parts)]))


def _without_accents(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    kept = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept)


def _with_pairs(word: str) -> tuple[str, ...]:
    """Scripts without spaces: each pair of neighbouring characters, other words as they are."""
    found: list[str] = []
    for run in re.findall(rf"{_CJK.pattern}|[^\W_]+?(?={_CJK.pattern}|$)", word):
        if _CJK.fullmatch(run) and len(run) > 1:
            found += [run[at : at + 2] for at in range(len(run) - 1)]
        else:
            found.append(run.casefold())
    return tuple(dict.fromkeys(found))


def stem(word: str) -> str:
    """English plurals and the endings -ed, -ing, -ly taken off where a stem is left."""
    if len(word) <= MIN_STEM or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("'s"):
        word = word[:-2]
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= MIN_STEM and any(v in root for v in "aeiouy"):
            word = _undoubled(root)
            break
    return word[:-1] if word.endswith("e") and len(word) > MIN_STEM else word


def _undoubled(root: str) -> str:
    """running -> run; but calling -> call, missing -> miss."""
    if len(root) > MIN_STEM and root[-1] == root[-2] and root[-1] not in "lsz":
        return root[:-1]
    return root
