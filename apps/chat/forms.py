from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apps.chat.attachments import COUNT
from apps.chat.services import QUESTION_LIMIT
from apps.runtime.media import MEDIA_LIMIT_BYTES, Media
from apps.ui.forms import Form

FIELD_PREFIX = "field-"
SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")


class FileInput(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else []


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


class Files(forms.FileField):
    """Any number of files; its value is a list of what was uploaded."""

    widget = FileInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        found = [one for one in data or [] if one]
        if len(found) > COUNT:
            raise forms.ValidationError(f"A question takes at most {COUNT} files.")
        for one in found:
            if (one.size or 0) > MEDIA_LIMIT_BYTES:
                limit = MEDIA_LIMIT_BYTES // 2**20
                raise forms.ValidationError(f"{one.name} is larger than {limit} MiB.")
            super().clean(one, initial)
        return found


class QuestionForm(SamplingForm):
    """Names that begin with FIELD_PREFIX are the application's own fields: "field-target"."""

    attachments = Files(
        label="Files",
        required=False,
        error_messages={"empty": "The file is empty."},
    )
    text = forms.CharField(
        label="Your question",
        required=False,
        max_length=QUESTION_LIMIT,
        strip=True,
        error_messages={
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

    def __init__(self, *args: Any, placeholder: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if placeholder:
            self.fields["text"].widget.attrs["placeholder"] = placeholder

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not (cleaned.get("text") or cleaned.get("attachments") or self.errors):
            self.add_error("text", "Write a question first.")
        return cleaned

    def asked(self) -> dict[str, Any]:
        """Arguments of `services.ask`."""
        return {
            "text": self.cleaned_data["text"],
            "sampling": self.sampling(),
            "fields": {
                name.removeprefix(FIELD_PREFIX): str(value)
                for name, value in self.data.items()
                if name.startswith(FIELD_PREFIX)
            },
            "media": [
                Media(one.content_type or "", one.read(), one.name or "")
                for one in self.cleaned_data["attachments"]
            ],
        }


class TitleForm(Form):
    title = forms.CharField(label="Name", max_length=120, strip=True)


class RatingForm(forms.Form):
    rating = forms.TypedChoiceField(choices=[(-1, ""), (0, ""), (1, "")], coerce=int)
