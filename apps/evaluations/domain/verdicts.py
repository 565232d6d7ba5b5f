"""One word per sample, and the reason for it. The rules, first match wins:

error        the application failed on the question
correct      a reference says that there is no answer, and so does the answer (SQuAD 2.0)
abstained    the answer is empty or says that it does not know
correct      it equals a reference, holds one word for word, or reaches token F1 >= 0.8
unsupported  it draws on too little of the passages (groundedness < 0.5), or states a figure that is
             in none of them
partial      it has at least half of a reference's words, or token F1 >= 0.4
wrong        none of the above
unjudged     there is no reference to compare with (and the answer is supported)

A correct answer is called correct whatever its support: groundedness is shown beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from apps.evaluations.domain.grounding import Grounding
from apps.evaluations.domain.tokens import squad_tokens, strip_citations

CORRECT_F1 = 0.8
PARTIAL_F1 = 0.4
PARTIAL_RECALL = 0.5
SUPPORTED_SCORE = 0.5
ABSTAIN_WORDS = 60
"""A longer answer that says "I do not know" somewhere still says something."""

_SUBJECT = r"(?:i|we|the (?:documents?|passages?|context|text|sources?|knowledge)[\w ]{0,40})"
_REFUSAL = re.compile(
    r"\b(?:"
    rf"{_SUBJECT} (?:do(?:es)?(?: not|n[o'’]t)|can(?:not|[’']t| not)|could(?: not|n[’']t)"
    r"|(?:was|were|am|are)(?: not|n[’']t)? (?:un)?able to|have no|has no) "
    r"(?:know|find|say|answer|tell|mention|contain|provide|state|include|specify|cover|have|see|information)"
    r"|no (?:relevant |matching )?(?:information|answer|passages?|documents?)\b[\w ,]{0,40}"
    r"(?:found|available|given|provided|about|on|matches|answers?|fits?)"
    r"|(?:nothing|none|no passage) (?:in|of) the (?:documents?|passages?|knowledge|context|collections?)"
    r"|not (?:mentioned|stated|covered|specified|found|provided|answered) (?:in|by) the "
    r"(?:documents?|passages?|context|text|knowledge|sources?)"
    r"|i(?: am|[’']m) (?:sorry|unable|not sure)"
    r")",
    re.IGNORECASE,
)


NO_ANSWER = frozenset(
    {
        ("no", "answer"), ("none",), ("na",), ("unknown",), ("unanswerable",), ("not", "answerable"),
        ("not", "stated"), ("not", "mentioned"), ("not", "found"), ("not", "available"),
    }
)  # fmt: skip
"""References, as SQuAD words, that stand for "the documents do not say"."""


class Verdict(StrEnum):
    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    UNSUPPORTED = "unsupported"
    ABSTAINED = "abstained"
    ERROR = "error"
    UNJUDGED = "unjudged"


def is_abstention(answer: str) -> bool:
    """Whether an answer declines: empty, or short with a sentence that says it does not know."""
    text = strip_citations(answer)
    return not text or (len(text.split()) <= ABSTAIN_WORDS and bool(_REFUSAL.search(text)))


def expects_abstention(references: Sequence[str]) -> bool:
    """Whether a dataset says that the documents hold no answer to the question."""
    return any(
        tuple(squad_tokens(reference)) in NO_ANSWER or (reference and is_abstention(reference))
        for reference in references
    )


def judge(
    *,
    answer: str,
    references: Sequence[str],
    exact: float,
    f1: float,
    recall: float,
    holds_reference: bool,
    grounding: Grounding,
) -> tuple[Verdict, str]:
    """The verdict on one answer and the reason in words; see the rules above."""
    if is_abstention(answer):
        if expects_abstention(references):
            return Verdict.CORRECT, "Rightly says that there is no answer."
        return Verdict.ABSTAINED, "The answer is empty or says that it does not know."
    if references:
        if exact == 1:
            return Verdict.CORRECT, "Equal to a reference answer."
        if holds_reference:
            return Verdict.CORRECT, "Holds a reference answer word for word."
        if f1 >= CORRECT_F1:
            return Verdict.CORRECT, f"Token F1 {f1:.2f} reaches {CORRECT_F1}."
    if reason := _lack_of_support(grounding):
        return Verdict.UNSUPPORTED, reason
    if not references:
        return Verdict.UNJUDGED, "No reference answer to compare with; the passages support it."
    if recall >= PARTIAL_RECALL:
        return Verdict.PARTIAL, f"Has {recall:.0%} of the words of a reference answer."
    if f1 >= PARTIAL_F1:
        return Verdict.PARTIAL, f"Token F1 {f1:.2f} lies between {PARTIAL_F1} and {CORRECT_F1}."
    return Verdict.WRONG, f"Has only {recall:.0%} of the words of the nearest reference answer."


def _lack_of_support(grounding: Grounding) -> str:
    if grounding.score < SUPPORTED_SCORE:
        return f"Only {grounding.score:.0%} of its content words stand in the retrieved passages."
    figures = [item for item in grounding.unsupported if item[0].isdigit()]
    if figures:
        return f"States what no retrieved passage says: {', '.join(figures[:5])}."
    return ""
