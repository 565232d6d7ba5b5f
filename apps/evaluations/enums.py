from __future__ import annotations

from django.db import models

from apps.evaluations.domain.verdicts import Verdict


class VerdictChoice(models.TextChoices):
    """The verdicts of `domain.verdicts`, with the words a page uses for them."""

    CORRECT = Verdict.CORRECT.value, "Correct"
    PARTIAL = Verdict.PARTIAL.value, "Partial"
    WRONG = Verdict.WRONG.value, "Wrong"
    UNSUPPORTED = Verdict.UNSUPPORTED.value, "Unsupported"
    ABSTAINED = Verdict.ABSTAINED.value, "Abstained"
    ERROR = Verdict.ERROR.value, "Error"
    UNJUDGED = Verdict.UNJUDGED.value, "No reference"


VERDICT_LOOKS: dict[str, str] = {
    VerdictChoice.CORRECT: "passed",
    VerdictChoice.PARTIAL: "warning",
    VerdictChoice.WRONG: "failed",
    VerdictChoice.UNSUPPORTED: "refused",
    VerdictChoice.ABSTAINED: "stopped",
    VerdictChoice.ERROR: "error",
    VerdictChoice.UNJUDGED: "unjudged",
}
"""Verdict -> the status whose badge has the right colour and icon."""
