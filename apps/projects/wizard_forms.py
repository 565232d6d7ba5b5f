"""One form per wizard step. Each reads its values from the spec and says what it changes in it.

Labels, ranges and effects come from the catalog, so that they are written once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.catalog.domain.catalog import applications
from apps.connections.models import Endpoint
from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.summary import LOCATIONS, PACKAGED, SYSTEMS
from apps.projects.domain.validate import BUILTIN_MODELS
from apps.projects.wizard_knowledge_forms import KnowledgeForm
from apps.projects.wizard_step_forms import StepForm, model_field, number_field, slider_of


class ApplicationForm(StepForm):
    paths = {
        "title": "metadata.title",
        "description": "metadata.description",
        "tags": "metadata.tags",
        "application": "spec.application",
    }
    title = forms.CharField(
        label="Title",
        max_length=120,
        help_text="What people see. You can change it at any time.",
        widget=forms.TextInput(attrs={"placeholder": "HR helpdesk", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=2000,
        widget=forms.Textarea(
            attrs={"rows": 2, "placeholder": "Answers questions about leave, pay and travel."}
        ),
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        max_length=320,
        help_text="Words to find it by in the list, separated by commas.",
        widget=forms.TextInput(attrs={"placeholder": "hr, pilot", "autocomplete": "off"}),
    )
    application = forms.ChoiceField(
        label="Application",
        widget=forms.RadioSelect,
        choices=[(row.id, row.title) for row in applications()],
    )

    def initial_of(self, spec: ProjectSpec) -> dict[str, Any]:
        return super().initial_of(spec) | {"tags": ", ".join(spec.metadata.tags)}

    def clean_tags(self) -> list[str]:
        words = self.cleaned_data["tags"].lower().replace(";", ",").split(",")
        tags = (re.sub(r"[^a-z0-9]+", "-", word).strip("-") for word in words)
        return list(dict.fromkeys(tag for tag in tags if tag))

    def clean_application(self) -> str:
        chosen: str = self.cleaned_data["application"]
        available = {row.id for row in applications() if row.available}
        if chosen not in available and chosen != self.spec.spec.application:
            raise ValidationError("This application is not in this release. Choose QnA.")
        return chosen


_PASSAGES = "Quotes the best sentences of your documents word for word, with citations."
QUOTES = {
    "qna": _PASSAGES,
    "audio-chat": _PASSAGES,
    "summarizer": "Quotes the central sentences of the text word for word.",
    "custom": _PASSAGES,
}
"""What the built-in answerer does for the applications that can do without a language model."""


class ModelForm(StepForm):
    """connection is a radio card; every card has its own list of models, `model_<connection>`."""

    connection = forms.ChoiceField(label="Who answers?", widget=forms.RadioSelect)

    def __init__(
        self, data: Any = None, *, endpoints: Sequence[Endpoint] = (), **kwargs: Any
    ) -> None:
        self.endpoints = endpoints
        super().__init__(data, **kwargs)
        model = self.spec.spec.model
        self.quoting = QUOTES.get(self.spec.spec.application, "")
        names = [BUILTIN, *(row.name for row in endpoints)]
        self.missing = "" if model.connection in names else model.connection
        if self.missing:
            names.append(self.missing)
        self.fields["connection"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        for row in endpoints:
            self.fields[f"model_{row.name}"] = model_field(row, model.connection, model.name)

    def initial_of(self, spec: ProjectSpec) -> dict[str, Any]:
        return {"connection": spec.spec.model.connection}

    def cards(self) -> list[dict[str, Any]]:
        """One per connected server, with its own field for the model."""
        chosen = self["connection"].value()
        return [
            {"endpoint": row, "field": self[f"model_{row.name}"], "chosen": row.name == chosen}
            for row in self.endpoints
        ]

    def changes(self) -> dict[str, Any]:
        connection = self.cleaned_data["connection"]
        if connection == BUILTIN:
            return {"spec.model": {"connection": BUILTIN, "name": BUILTIN_MODELS[0]}}
        name = self.cleaned_data.get(f"model_{connection}", self.spec.spec.model.name)
        return {"spec.model": {"connection": connection, "name": name}}

    def clean(self) -> dict[str, Any]:
        connection = self.cleaned_data.get("connection", "")
        field = f"model_{connection}"
        if field in self.fields and not self.cleaned_data.get(field):
            self.add_error(field, "Choose the model that answers.")
        return super().clean()


class ParametersForm(StepForm):
    paths = {
        "temperature": "spec.parameters.temperature",
        "top_p": "spec.parameters.top_p",
        "top_k": "spec.parameters.top_k",
        "max_tokens": "spec.parameters.max_tokens",
        "instruction": "spec.instruction",
    }
    temperature = number_field("llm", "temperature")
    top_p = number_field("llm", "top_p", bounded_below=False)
    top_k = number_field("llm", "top_k")
    max_tokens = number_field("llm", "max_tokens")
    instruction = forms.CharField(
        label="System instruction",
        required=False,
        max_length=20_000,
        strip=False,
        help_text="What the model is told before every conversation: its role, its tone, its limits.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def sliders(self) -> list[dict[str, Any]]:
        return [slider_of(self, "llm", name) for name in _SAMPLING]

    def clean_instruction(self) -> str:
        text: str = self.cleaned_data["instruction"]
        return text.replace("\r\n", "\n").strip("\n")


_SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")


class DeploymentForm(StepForm):
    paths = {
        "os": "spec.deployment.os",
        "location": "spec.deployment.location",
        "topology": "spec.deployment.topology",
        "formats": "spec.deployment.formats",
        "registration": "spec.deployment.features.registration",
        "api": "spec.deployment.features.api",
        "uploads": "spec.deployment.features.uploads",
        "include": "spec.deployment.knowledge.include",
        "cpus": "spec.deployment.resources.cpus",
        "memory_mb": "spec.deployment.resources.memory_mb",
        "replicas": "spec.deployment.resources.replicas",
        "port": "spec.deployment.port",
    }
    location = forms.ChoiceField(
        label="Location", choices=list(LOCATIONS.items()), widget=forms.Select
    )
    os = forms.ChoiceField(label="Operating system", choices=list(SYSTEMS.items()))
    topology = forms.ChoiceField(
        label="Topology",
        choices=[("single", "Single machine"), ("cluster", "Cluster")],
        widget=forms.RadioSelect,
    )
    formats = forms.MultipleChoiceField(
        label="Package formats",
        error_messages={"required": "Choose at least one format."},
        choices=[("compose", "Compose file")],
        widget=forms.CheckboxSelectMultiple,
    )
    registration = forms.BooleanField(
        label="Self sign-up",
        required=False,
        help_text="Anybody who reaches the portal may make an account.",
    )
    api = forms.BooleanField(
        label="API", required=False, help_text="Personal tokens and the OpenAI-compatible API."
    )
    uploads = forms.BooleanField(
        label="Uploads", required=False, help_text="Users of the portal may add documents."
    )
    include = forms.ChoiceField(
        label="Knowledge in the package", choices=list(PACKAGED.items()), widget=forms.RadioSelect
    )
    cpus = forms.FloatField(
        label="CPU cores",
        min_value=0.25,
        max_value=64,
        help_text="Limit per container.",
        widget=forms.NumberInput(attrs={"step": 0.25}),
    )
    memory_mb = forms.IntegerField(
        label="Memory (MiB)",
        min_value=512,
        max_value=262_144,
        help_text="Limit per container.",
        widget=forms.NumberInput(attrs={"step": 256}),
    )
    replicas = forms.IntegerField(
        label="Web replicas", min_value=1, max_value=20, help_text="Used by clusters."
    )
    port = forms.IntegerField(
        label="Port", min_value=1, max_value=65535, help_text="Where the portal listens."
    )


FORMS: dict[str, type[StepForm]] = {
    "application": ApplicationForm,
    "model": ModelForm,
    "parameters": ParametersForm,
    "knowledge": KnowledgeForm,
    "deployment": DeploymentForm,
}
