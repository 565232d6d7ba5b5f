from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath
from typing import Any

from django import forms

from apps.catalog.domain.catalog import applications
from apps.projects.domain.importers.document import MAX_BYTES as IMPORT_BYTES
from apps.projects.domain.yaml_nodes import MAX_BYTES
from apps.projects.enums import Role
from apps.projects.samples import SAMPLES, Sample, sample
from apps.ui.forms import Form

MODEL_CHARS = 200


class CreateProjectForm(Form):
    title = forms.CharField(
        label="Title",
        max_length=120,
        help_text="What people see. You can change it at any time.",
        widget=forms.TextInput(attrs={"placeholder": "HR helpdesk", "autocomplete": "off"}),
    )
    application = forms.ChoiceField(
        label="Application",
        initial="qna",
        widget=forms.RadioSelect,
        choices=[(row.id, row.title) for row in applications() if row.available],
        error_messages={
            "invalid_choice": "This application is not in this release. Choose QnA.",
        },
    )


class SampleForm(forms.Form):
    """Which sample; what serves a need of it stands in `served-<key>` as "connection/model"."""

    sample = forms.ChoiceField(required=False, choices=[(row.id, row.title) for row in SAMPLES])

    def __init__(self, data: Any, *, connections: Collection[str]) -> None:
        super().__init__(data)
        self._connections = connections

    @property
    def chosen(self) -> Sample:
        return sample(self.cleaned_data["sample"] or SAMPLES[0].id)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            for connection, model in self.served().values():
                if connection not in self._connections or len(model) > MODEL_CHARS:
                    raise forms.ValidationError("Choose one of your connections.")
        return values

    def served(self) -> dict[str, tuple[str, str]]:
        """By path of the need; those without a connection are left out."""
        given = {
            need.path: self.data.get(f"served-{need.key}", "").replace("\0", "").partition("/")
            for need in self.chosen.needs
        }
        return {path: (name, model) for path, (name, _, model) in given.items() if name}


class YamlForm(Form):
    """base_revision: the draft that the text was edited from. file: instead of the text."""

    yaml = forms.CharField(
        label="Project file",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "class": "code-editor",
                "rows": 30,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "wrap": "off",
            }
        ),
    )
    base_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    file = forms.FileField(label="YAML file", required=False, allow_empty_file=True)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 1 MiB.")
        return file

    def text(self) -> str:
        """The uploaded file's text where there is one, else the editor's; with plain line ends."""
        file = self.cleaned_data.get("file")
        if file:
            content: bytes = file.read()
            return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        typed: str = self.cleaned_data["yaml"]
        return typed.replace("\r\n", "\n")


class ShareForm(Form):
    who = forms.CharField(
        label="User name or e-mail address",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.TypedChoiceField(
        label="Role",
        coerce=Role,
        initial=Role.VIEWER,
        choices=[
            (Role.VIEWER.value, "Viewer: looks, tries, compares"),
            (Role.EDITOR.value, "Editor: also changes, builds, proves and ships"),
        ],
    )


class ImportForm(Form):
    """A foreign file, uploaded or pasted."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text="JSON or YAML, at most 2 MiB.",
        widget=forms.ClearableFileInput(
            attrs={"class": "file-input w-full", "accept": ".json,.yaml,.yml"}
        ),
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off", "class": "font-mono"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        file, text = values.get("file"), values.get("text", "")
        if file is None and not text.strip():
            raise forms.ValidationError("Choose a file, or paste its text.")
        if file is not None and text.strip():
            raise forms.ValidationError("Give a file or a text, not both.")
        return values

    def given(self) -> tuple[bytes, str]:
        """What is to be read, no more than can be, and a name for it."""
        file = self.cleaned_data["file"]
        if file is None:
            return self.cleaned_data["text"].encode("utf-8", "surrogatepass"), ""
        return file.read(IMPORT_BYTES + 1), PurePath(file.name).stem


class NameVersionForm(Form):
    name = forms.CharField(label="Name", required=False, max_length=80)
    notes = forms.CharField(
        label="Notes", required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=5000
    )
