"""Makes a question that leans on the conversation searchable by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.runtime.resources import Turn
from apps.runtime.terms import STOP_WORDS, WORD

_LEANS = re.compile(
    r"^\W*(?:and|but|so|also|then|ok(?:ay)?|what about|how about|what else|which one|same)\b"
    r"|\b(?:they|them|their|theirs|these|those|he|she|him|her|his|its|former|latter)\b"
    r"|\b(?<!is )(?<!does )(?<!will )it\b(?! possible)"
    r"|\b(?:does|is|was|did|will|can) it\b(?! possible| take | matter )"
    r"|\b(?:this|that)\b(?=\W*$| (?:is|was|one|does|mean|work|case|step|option)\b)",
    re.IGNORECASE,
)
FEW_WORDS = 2
"""A question with no more telling words than this is searched together with the one before."""
EARLIER_CHARS = 400


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, led by the user's previous one if it seems to lean on it."""
    earlier = next((turn.content for turn in reversed(history) if turn.role == "user"), "").strip()
    if not earlier or not leans(question):
        return question
    return f"{earlier[:EARLIER_CHARS]}\n{question}"


def leans(question: str) -> bool:
    telling = [word for word in WORD.findall(question) if word.casefold() not in STOP_WORDS]
    return len(telling) <= FEW_WORDS or bool(_LEANS.search(question))
