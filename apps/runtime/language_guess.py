"""Guesses the language of a text by its letters and its commonest words. A guess, and of few languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_LETTERS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
"""Letters that few other languages have; earlier ones win (Japanese has Chinese characters too)."""
LETTERS_SHARE: Final = 0.1
"""Of all letters, from which on the alphabet decides."""
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is that it for you was are with this have what how do does can my we they when where why who which not be",
        "de": "der die das und ist nicht ich ein eine zu mit auf für wie was wann wo warum wer den dem von im sie wir es sind wird haben kann bei",
        "fr": "le la les et est pas je un une de des du en que qui pour avec dans ce quand comment pourquoi où nous vous il elle sont sur au",
        "es": "el la los las y es no un una de del en que por para con cómo qué cuándo dónde se su lo yo usted son está mi puedo hay al",
        "it": "il lo la gli e è non un una di del della in che per con come quando dove perché sono si mi ho questo cosa posso al alla chi",
        "pt": "o a os as e é não um uma de do da em que por para com como quando onde se eu você são está meu posso no na ao qual",
        "nl": "de het een en is niet ik van in op dat voor met wat hoe wanneer waar waarom je zijn wordt kan mijn er aan ook wij naar",
        "pl": "i w na nie jest się że do co jak kiedy gdzie czy to z dla ja mój są być można po od ale za przez",
        "sv": "och är inte jag en ett att det som för med på hur vad när var varför du vi kan min av till har den de",
    }.items()
}
"""Of Latin script: the commonest words of questions. Words of several languages count for each."""
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """ISO 639-1 code, "" where nothing speaks for one of the languages known here."""
    words = [word.casefold() for word in _WORD.findall(text)]
    letters = sum(map(len, words))
    if not letters:
        return ""
    for language, pattern in _LETTERS:
        if len(pattern.findall(text)) >= LETTERS_SHARE * letters:
            return language
    counts = {language: sum(word in known for word in words) for language, known in _WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else ""
