from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django.utils.text import slugify

from apps.connections.domain.guard import check_url
from apps.connections.enums import EndpointKind
from apps.runtime.errors import StudioError
from apps.ui.forms import Form

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class Words:
    """How the form explains one kind of connection."""

    address: str
    example: str
    title: str
    key: str = "API key"
    key_help: str = "Leave empty if the server asks for none."


WORDS: dict[str, Words] = {
    EndpointKind.OPENAI: Words(
        "A model server's base address usually ends in /v1, as in the OpenAI SDK: "
        "http://localhost:8000/v1.",
        "http://localhost:8000/v1",
        "Local vLLM",
    ),
    EndpointKind.OPEA: Words(
        "The address of an OPEA service ends before its path: http://localhost:9090.",
        "http://localhost:9090",
        "House guardrails",
    ),
    EndpointKind.HTTP: Words(
        "The service's base address; a tool adds its own path: https://shop.example.org/api.",
        "https://shop.example.org/api",
        "Order desk",
    ),
    EndpointKind.REDIS: Words(
        "Redis 8, Redis Stack or Redis Cloud: redis://localhost:6379/0, with TLS rediss://. A user "
        "name may stand before the host: redis://app@localhost:6379/0.",
        "redis://localhost:6379/0",
        "House Redis",
        "Password",
    ),
    EndpointKind.QDRANT: Words(
        "Qdrant's REST address, without a path: http://localhost:6333.",
        "http://localhost:6333",
        "House Qdrant",
    ),
    EndpointKind.MILVUS: Words(
        "Milvus 2.4 or newer, or Zilliz Cloud, without a path: http://localhost:19530.",
        "http://localhost:19530",
        "House Milvus",
        "Token",
        "User and password as user:password, or an API key. Leave empty if the server asks for none.",
    ),
    EndpointKind.PGVECTOR: Words(
        "A PostgreSQL with the extension pgvector: postgresql://user@localhost:5432/database. TLS "
        "can be demanded with ?sslmode=require or verify-full at the end.",
        "postgresql://user@localhost:5432/database",
        "House PostgreSQL",
        "Password",
        "The user's password; the address holds the name only.",
    ),
}


class EndpointForm(Form):
    """A server to connect. The key is sent once and never rendered again."""

    title = forms.CharField(
        label="Title",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    base_url = forms.CharField(
        label="Address",
        max_length=300,
        widget=forms.TextInput(
            attrs={
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
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def explain(self, kind: str) -> None:
        """Say what the address and the key of this kind look like."""
        words = WORDS.get(kind) or WORDS[EndpointKind.OPENAI]
        self.fields["title"].widget.attrs["placeholder"] = words.title
        self.fields["base_url"].help_text = words.address
        self.fields["base_url"].widget.attrs["placeholder"] = words.example
        self.fields["api_key"].label = words.key
        self.fields["api_key"].help_text = f"{words.key_help} Stored encrypted, never shown again."

    def kind_given(self) -> str:
        return ""

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"]
        private, kind = settings.ENDPOINTS_ALLOW_PRIVATE, self.kind_given()
        try:
            return check_url(url, allow_private=private, kind=kind).url
        except StudioError as error:
            raise ValidationError(str(error), code=error.code) from error


class CreateEndpointForm(EndpointForm):
    kind = forms.ChoiceField(
        label="Kind",
        choices=EndpointKind.choices,
        initial=EndpointKind.OPENAI,
        help_text="What it speaks. A project's steps offer the connections that can run them.",
        widget=forms.Select(
            attrs={
                "hx-get": reverse_lazy("connections:create"),
                "hx-trigger": "change",
                "hx-include": "closest form",
                "hx-params": "kind,title,name,base_url,next",
                "hx-target": "#connection-form",
                "hx-swap": "outerHTML",
            }
        ),
    )
    name = forms.CharField(
        label="Name in project files",
        required=False,
        max_length=63,
        help_text="What a project's YAML calls it. Made from the title if left empty.",
        widget=forms.TextInput(attrs={"class": "font-mono"}),
    )

    field_order = ("title", "kind", "name", "base_url", "api_key")
    """The kind is cleaned before the address that it is about."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and not self.data.get("kind"):
            sent: Any = self.data
            typed = sent.copy()
            typed["kind"] = EndpointKind.OPENAI
            self.data = typed
        asked = self.data.get("kind") if self.is_bound else self.initial.get("kind")
        self.explain(str(asked or EndpointKind.OPENAI))
        example = str(self.fields["title"].widget.attrs["placeholder"])
        self.fields["name"].widget.attrs["placeholder"] = name_from(example)

    def kind_given(self) -> str:
        return str(self.cleaned_data.get("kind", ""))

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

    def __init__(self, *args: Any, has_key: bool, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kind = kind
        self.explain(kind)
        if has_key:
            label = str(self.fields["api_key"].label)
            self.fields["api_key"].label = f"New {_lower(label)}"
            self.fields[
                "api_key"
            ].help_text = "Leave empty to keep the stored key. A new address needs the key again."
        else:
            del self.fields["forget_key"]

    def kind_given(self) -> str:
        return self._kind


def _lower(label: str) -> str:
    return label if label.startswith("API") else label.lower()


def name_from(title: str) -> str:
    """A connection's name made from words: a-z, 0-9, single hyphens, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", slugify(title)).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:63].strip("-") or "server"
