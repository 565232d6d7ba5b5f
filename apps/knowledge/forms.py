from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import validate_slug

from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection
from apps.knowledge.services import LARGEST_CHUNK, SMALLEST_CHUNK
from apps.runtime.embedding import BUILTIN
from apps.ui.forms import Form

_SIZE_HELP = (
    "Characters in a passage. 800 suits most documents; less for short facts, more for prose."
)
_OVERLAP_HELP = "Characters that a passage shares with the one before it."


class _ChunkingForm(Form):
    title = forms.CharField(max_length=120, help_text="What people see, such as “Staff handbook”.")
    description = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="What is in it."
    )
    chunk_size = forms.IntegerField(
        min_value=SMALLEST_CHUNK,
        max_value=LARGEST_CHUNK,
        initial=800,
        label="Passage size",
        help_text=_SIZE_HELP,
    )
    chunk_overlap = forms.IntegerField(
        min_value=0,
        max_value=LARGEST_CHUNK // 2,
        initial=120,
        label="Overlap",
        help_text=_OVERLAP_HELP,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        size, overlap = cleaned.get("chunk_size"), cleaned.get("chunk_overlap")
        if size and overlap and overlap > size // 2:
            self.add_error("chunk_overlap", f"At most half of the passage size, {size // 2}.")
        return cleaned


class CreateForm(_ChunkingForm):
    name = forms.CharField(
        max_length=63,
        required=False,
        validators=[validate_slug],
        help_text="What project files call it: letters, digits, hyphens. Made from the title if left empty.",
    )
    embedding_model = forms.CharField(
        initial=BUILTIN,
        max_length=200,
        help_text=f"{BUILTIN} runs on this machine. A connected server's model is <connection>:<model>. "
        "It cannot be changed later.",
    )


class SettingsForm(_ChunkingForm):
    def __init__(self, *args: Any, collection: Collection, **kwargs: Any) -> None:
        fields = ("title", "description", "chunk_size", "chunk_overlap")
        initial = {name: getattr(collection, name) for name in fields}
        super().__init__(*args, initial=initial, **kwargs)


class DocumentFilter(Form):
    q = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(
        required=False, choices=[("", "Every status"), *DocumentStatus.choices]
    )


class SearchForm(Form):
    q = forms.CharField(max_length=1000)
    mode = forms.ChoiceField(
        required=False,
        choices=[
            ("hybrid", "Meaning and words"),
            ("dense", "Meaning"),
            ("lexical", "Words"),
        ],
    )
