"""The wizard's steps that only some applications have: speech, languages, summary; and safety."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.connections.models import Endpoint
from apps.projects.domain.spec import ProjectSpec
from apps.projects.wizard_step_forms import StepForm
from apps.runtime.languages import PROGRAMMING, SPOKEN

NONE = ""
SPEECH = ("openai", "opea")


class SpeechForm(StepForm):
    """Which servers hear and speak. Connections are proposed, models typed or chosen at them."""

    paths = {
        "recognition": "spec.speech.recognition.connection",
        "recognition_model": "spec.speech.recognition.name",
        "synthesis": "spec.speech.synthesis.connection",
        "synthesis_model": "spec.speech.synthesis.name",
        "voice": "spec.speech.synthesis.voice",
    }
    recognition = forms.ChoiceField(
        label="Who listens?",
        required=False,
        help_text="Turns speech into text: a server with /v1/audio/transcriptions, or OPEA's ASR service.",
    )
    recognition_model = forms.CharField(
        label="Model that listens",
        required=False,
        max_length=200,
        help_text="As that server calls it, for example whisper-small. Empty: its own.",
    )
    synthesis = forms.ChoiceField(
        label="Who speaks?",
        required=False,
        help_text="Turns answers into speech. Nobody: answers are text only.",
    )
    synthesis_model = forms.CharField(
        label="Model that speaks", required=False, max_length=200, help_text="Empty: its own."
    )
    voice = forms.CharField(
        label="Voice",
        required=False,
        max_length=80,
        help_text="One of that server's voices, for example alloy or default.",
    )

    def __init__(
        self, data: Any = None, *, endpoints: Sequence[Endpoint] = (), **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        speech = self.spec.spec.speech
        for field, now, nobody in (
            ("recognition", speech.recognition.connection, "Nobody yet"),
            ("synthesis", speech.synthesis.connection, "Nobody: text only"),
        ):
            rows = [(row.name, row.title) for row in endpoints]
            if now and now not in dict(rows):
                rows.append((now, f"{now} (no such connection)"))
            self.fields[field].choices = [(NONE, nobody), *rows]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        values = super().changes()
        for path in ("spec.speech.recognition.connection", "spec.speech.synthesis.connection"):
            values[path] = values[path] or None
        return values


class LanguagesForm(StepForm):
    paths = {"source": "spec.languages.source", "target": "spec.languages.target"}
    source = forms.CharField(label="From", required=False, max_length=60)
    target = forms.CharField(label="Into", required=False, max_length=60)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        application = self.spec.spec.application
        code = application in ("code-trans", "code-gen")
        self.proposals = PROGRAMMING if code else SPOKEN
        for field in self.fields.values():
            field.widget.attrs |= {"list": "languages-known", "autocomplete": "off"}
        self.fields[
            "source"
        ].help_text = "Empty: found out from the text. People may say another per message."
        self.fields["target"].help_text = "What people get unless they say another language."
        if application == "code-gen":
            del self.fields["source"]
            self.fields["target"].label = "Language of the code"
            self.fields["target"].help_text = "Empty: the one that the question names."

    def changes(self) -> dict[str, Any]:
        return {
            path: self.cleaned_data[name]
            for name, path in self.paths.items()
            if name in self.fields
        }


class SummaryForm(StepForm):
    paths = {"strategy": "spec.summary.strategy", "words": "spec.summary.words"}
    strategy = forms.ChoiceField(
        label="How are long texts read?",
        widget=forms.RadioSelect,
        choices=[
            (
                "auto",
                "As fits: in one go if the text is short enough, else piece by piece. The best default.",
            ),
            ("stuff", "In one go: fastest, and wrong for texts beyond the model's context."),
            ("map-reduce", "Piece by piece, all at once, then together. Fast on long texts."),
            ("refine", "Piece after piece, each improving the summary. Slow, keeps the thread."),
        ],
    )
    words = forms.IntegerField(
        label="Length",
        min_value=10,
        max_value=5000,
        help_text="About how many words a summary has.",
        widget=forms.NumberInput(attrs={"step": 10}),
    )


OFF = "off"
ACTIONS = {"block": "Refuse", "mask": "Hide", "flag": "Note in the trace"}
RULES = {
    "pii": (
        "Personal data",
        "E-mail addresses, phone, card and account numbers.",
        ("mask", "block", "flag"),
    ),
    "prompt-injection": (
        "Prompt injection",
        "Attempts to talk the model out of its instruction.",
        ("block", "flag"),
    ),
    "toxicity": (
        "Insults and threats",
        "By a list of words, so that some pass and some are caught wrongly.",
        ("block", "mask", "flag"),
    ),
    "topic": ("Topics", "Words that must not be spoken about.", ("block", "flag")),
}
SIDES = {"input": tuple(RULES), "output": ("pii", "toxicity", "topic")}


class SafetyForm(StepForm):
    """One choice per side and rule. Rules that the form does not know (a service's own) stay."""

    topics = forms.CharField(
        label="Words of these topics",
        required=False,
        max_length=2000,
        help_text="Separated by commas. Used where “Topics” is on.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        for side, kinds in SIDES.items():
            for kind in kinds:
                title, about, actions = RULES[kind]
                self.fields[_field(side, kind)] = forms.ChoiceField(
                    label=title,
                    help_text=about,
                    required=False,
                    choices=[(OFF, "Off"), *((one, ACTIONS[one]) for one in actions)],
                )

    def initial_of(self, spec: ProjectSpec) -> dict[str, Any]:
        values: dict[str, Any] = {"topics": ""}
        for side, kinds in SIDES.items():
            for kind in kinds:
                values[_field(side, kind)] = OFF
            for rule in getattr(spec.spec.guardrails, side):
                values[_field(side, rule.kind)] = rule.action
                if rule.kind == "topic":
                    values["topics"] = ", ".join(rule.words)
        return values

    def rows(self) -> list[dict[str, Any]]:
        """For the table: each rule with its field per side."""
        return [
            {
                "title": title,
                "about": about,
                "fields": [
                    self[_field(side, kind)] if kind in kinds else None
                    for side, kinds in SIDES.items()
                ],
            }
            for kind, (title, about, _) in RULES.items()
        ]

    def clean(self) -> dict[str, Any]:
        wanted = [self.cleaned_data.get(_field(side, "topic"), OFF) for side in SIDES]
        if any(one not in (OFF, "") for one in wanted) and not self._words():
            self.add_error(
                "topics", "Write the words that a topic is known by, or switch Topics off."
            )
        return super().clean()

    def changes(self) -> dict[str, Any]:
        return {
            f"spec.guardrails.{side}": [*self._rules(side), *self._foreign(side)] for side in SIDES
        }

    def _rules(self, side: str) -> list[dict[str, Any]]:
        kept = {rule.kind: rule for rule in getattr(self.spec.spec.guardrails, side)}
        rules = []
        for kind in SIDES[side]:
            action = self.cleaned_data.get(_field(side, kind)) or OFF
            if action == OFF:
                continue
            before = kept[kind].model_dump(mode="json", exclude_none=True) if kind in kept else {}
            words = {"words": self._words()} if kind == "topic" else {}
            rules.append({**before, "kind": kind, "action": action, **words})
        return rules

    def _foreign(self, side: str) -> list[dict[str, Any]]:
        rules = getattr(self.spec.spec.guardrails, side)
        return [
            rule.model_dump(mode="json", exclude_none=True)
            for rule in rules
            if rule.kind not in SIDES[side]
        ]

    def _words(self) -> list[str]:
        words = (self.cleaned_data.get("topics") or "").replace("\n", ",").split(",")
        return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def _field(side: str, kind: str) -> str:
    return f"{side}_{kind.replace('-', '_')}"


TASK_FORMS: dict[str, type[StepForm]] = {
    "speech": SpeechForm,
    "languages": LanguagesForm,
    "summary": SummaryForm,
    "safety": SafetyForm,
}
