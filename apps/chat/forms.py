from __future__ import annotations

from typing import Any

from django import forms

from apps.chat.services import QUESTION_LIMIT
from apps.ui.forms import Form

SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")


def _number(label: str, text: str, **bounds: Any) -> Any:
    step = bounds.pop("step")
    kind = forms.IntegerField if isinstance(step, int) else forms.FloatField
    widget = forms.NumberInput(attrs={"step": step, "inputmode": "decimal", "class": "input-sm"})
    low, high = bounds["min_value"], bounds["max_value"]
    return kind(
        label=label,
        help_text=f"{text} {low:,} to {high:,}.",
        required=False,
        widget=widget,
        **bounds,
    )


class SamplingForm(Form):
    """Values for one question; an empty field leaves the application's own."""

    temperature = _number(
        "Temperature", "0 is the same every time.", min_value=0, max_value=2, step=0.05
    )
    top_p = _number(
        "Top-p", "Share of probability considered.", min_value=0.01, max_value=1, step=0.01
    )
    top_k = _number("Top-k", "Candidates per token.", min_value=1, max_value=1000, step=1)
    max_tokens = _number(
        "Max response tokens", "The reply is cut off there.", min_value=1, max_value=131_072, step=1
    )

    def __init__(self, *args: Any, defaults: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, own in (defaults or {}).items():
            if name in SAMPLING and own is not None:
                self.fields[name].widget.attrs["placeholder"] = f"{own:g}"

    def sampling(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name]
            for name in SAMPLING
            if self.cleaned_data.get(name) is not None
        }


class QuestionForm(SamplingForm):
    text = forms.CharField(
        label="Your question",
        max_length=QUESTION_LIMIT,
        strip=True,
        error_messages={
            "required": "Write a question first.",
            "max_length": "A question has at most 32,000 characters; upload longer texts as a document.",
        },
        widget=forms.Textarea(
            attrs={
                "rows": 1,
                "placeholder": "Ask a question",
                "autocomplete": "off",
                "class": "chat-input",
            }
        ),
    )


class TitleForm(Form):
    title = forms.CharField(label="Name", max_length=120, strip=True)


class RatingForm(forms.Form):
    rating = forms.TypedChoiceField(choices=[(-1, ""), (0, ""), (1, "")], coerce=int)
