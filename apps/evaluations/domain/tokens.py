"""How texts are cut into words before they are compared. Every metric compares the same words."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

CITATION = re.compile(r"\s*\[(\d{1,3})(?:\s*[,;]\s*\d{1,3})*\]")
_ARTICLES = frozenset({"a", "an", "the"})
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])+")
_ASCII_PUNCTUATION = frozenset(string.punctuation)

STOPWORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "either",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "however",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "may",
        "me",
        "might",
        "more",
        "most",
        "must",
        "my",
        "neither",
        "no",
        "nor",
        "not",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "same",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "upon",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "would",
        "yes",
        "you",
        "your",
        "yours",
    ]
)
"""English function words; they carry no claim, so they neither support nor contradict one."""


def strip_citations(text: str) -> str:
    """The text without marks such as ` [1]` or ` [2, 3]`."""
    return CITATION.sub("", text).strip()


def squad_tokens(text: str) -> list[str]:
    """Words as SQuAD's official script compares them: lower case, no punctuation, no a/an/the.

    Rajpurkar et al. 2016, https://rajpurkar.github.io/SQuAD-explorer/ (evaluate-v2.0.py). Beyond
    the script: Unicode is NFKC-normalised and all Unicode punctuation counts as punctuation, and
    languages written without spaces are compared by character (as MLQA does).
    """
    lowered = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(char for char in lowered if not _is_punctuation(char))
    return [
        word for part in kept.split() for word in _split_unspaced(part) if word not in _ARTICLES
    ]


def rouge_tokens(text: str) -> list[str]:
    """Words as the rouge-score package cuts them (runs of letters and digits), for any script."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def content_tokens(text: str) -> list[str]:
    """`rouge_tokens` without function words and single Latin letters."""
    return [
        word
        for word in rouge_tokens(text)
        if word not in STOPWORDS and (len(word) > 1 or not word.isascii() or word.isdigit())
    ]


def contains(haystack: Sequence[str], needle: Sequence[str]) -> bool:
    """Whether needle occurs in haystack as one unbroken run; an empty needle does not occur."""
    size = len(needle)
    return bool(size) and any(
        haystack[start : start + size] == needle for start in range(len(haystack) - size + 1)
    )


def _is_punctuation(char: str) -> bool:
    return char in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


def _split_unspaced(word: str) -> list[str]:
    return _WORD.findall(word) if re.search(f"[{_CJK}]", word) else [word]
