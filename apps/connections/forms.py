from __future__ import annotations

import re

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from apps.connections.domain.guard import check_url
from apps.connections.enums import EndpointKind
from apps.runtime.errors import StudioError
from apps.ui.forms import Form

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


class EndpointForm(Form):
    """A server to connect. The key is sent once and never rendered again."""

    title = forms.CharField(
        label="Title",
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": "Local vLLM", "autocomplete": "off"}),
    )
    base_url = forms.CharField(
        label="Address",
        max_length=300,
        help_text="A model server's base address usually ends in /v1, as in the OpenAI SDK. That of an "
        "OPEA service ends before its path: http://localhost:9090.",
        widget=forms.TextInput(
            attrs={
                "placeholder": "http://localhost:8000/v1",
                "inputmode": "url",
                "autocomplete": "off",
                "spellcheck": "false",
                "class": "font-mono",
            }
        ),
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        max_length=2000,
        help_text="Leave empty if the server asks for none. Stored encrypted, never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"]
        try:
            return check_url(url, allow_private=settings.ENDPOINTS_ALLOW_PRIVATE).url
        except StudioError as error:
            raise ValidationError(str(error), code=error.code) from error


class CreateEndpointForm(EndpointForm):
    kind = forms.ChoiceField(
        label="Kind",
        choices=EndpointKind.choices,
        required=False,
        help_text="What it speaks. A project's steps offer the connections that can run them.",
    )
    name = forms.CharField(
        label="Name in project files",
        required=False,
        max_length=63,
        help_text="What a project's YAML calls it. Made from the title if left empty.",
        widget=forms.TextInput(attrs={"placeholder": "local-vllm", "class": "font-mono"}),
    )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or EndpointKind.OPENAI

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name and not NAME.match(name):
            raise ValidationError("Use a-z, 0-9 and single hyphens, beginning with a letter.")
        return name

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if not cleaned.get("name"):
            cleaned["name"] = name_from(str(cleaned.get("title", "")))
        return cleaned


class EditEndpointForm(EndpointForm):
    forget_key = forms.BooleanField(label="Forget the stored key", required=False)

    def __init__(self, *args: object, has_key: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if has_key:
            self.fields["api_key"].label = "New API key"
            self.fields[
                "api_key"
            ].help_text = "Leave empty to keep the stored key. A new address needs the key again."
        else:
            del self.fields["forget_key"]


def name_from(title: str) -> str:
    """A connection's name made from words: a-z, 0-9, single hyphens, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", slugify(title)).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:63].strip("-") or "server"
