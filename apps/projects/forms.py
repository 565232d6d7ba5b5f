from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.domain.catalog import applications
from apps.projects.domain.yaml_nodes import MAX_BYTES
from apps.projects.enums import Role
from apps.ui.forms import Form


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


class NameVersionForm(Form):
    name = forms.CharField(label="Name", required=False, max_length=80)
    notes = forms.CharField(
        label="Notes", required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=5000
    )
