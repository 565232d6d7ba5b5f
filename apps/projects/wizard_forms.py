"""One form per wizard step. Each reads its values from the spec and says what it changes in it.

Labels, ranges and effects come from the catalog, so that they are written once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from apps.catalog.domain.catalog import applications, components
from apps.connections.models import Endpoint
from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.findings import Finding
from apps.projects.domain.guard_findings import RERANKING
from apps.projects.domain.ops import assign
from apps.projects.domain.shape import Range, range_at
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.summary import LOCATIONS, PACKAGED, STORES, SYSTEMS
from apps.projects.domain.validate import BUILTIN_MODELS
from apps.projects.domain.yaml_io import plain
from apps.projects.errors import SpecRefused
from apps.runtime.stores.index import STORE_KINDS
from apps.ui.forms import Form


def _number_field(component: str, name: str, *, bounded_below: bool = True) -> forms.Field:
    """A field with the catalog's label, range, step and effect."""
    parameter = components()[component].parameter(name)
    kind = forms.FloatField if parameter.kind == "number" else forms.IntegerField
    return kind(
        label=parameter.title,
        min_value=parameter.low if bounded_below else None,  # type: ignore[arg-type]
        max_value=parameter.high,  # type: ignore[arg-type]
        help_text=parameter.effect,
        widget=forms.NumberInput(attrs={"step": f"{parameter.step:g}", "class": "input-sm num"}),
    )


def _say_range(field: forms.Field, allowed: Range) -> None:
    sentence = f"It must be {allowed.in_words()}."
    field.error_messages |= {"min_value": sentence, "max_value": sentence}


class StepForm(Form):
    """paths: from field to the place in the spec that it edits."""

    paths: dict[str, str] = {}

    def __init__(self, data: Any = None, *, spec: ProjectSpec, **kwargs: Any) -> None:
        self.spec = spec
        kwargs.setdefault("initial", {}).update(self.initial_of(spec) | kwargs.pop("typed", {}))
        super().__init__(data, **kwargs)
        for field, path in self.paths.items():
            if allowed := range_at(tuple(path.split("."))):
                _say_range(self.fields[field], allowed)

    def initial_of(self, spec: ProjectSpec) -> dict[str, Any]:
        values = plain(spec)
        return {field: _at(values, path) for field, path in self.paths.items()}

    def changes(self) -> dict[str, Any]:
        return {path: self.cleaned_data[field] for field, path in self.paths.items()}

    def edited(self) -> ProjectSpec:
        """The spec with this step's values. Only for a valid form."""
        return self._edited

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self._edited = assign(self.spec, self.changes())
            except SpecRefused as error:
                self._place(error)
        return cleaned

    def _place(self, error: SpecRefused) -> None:
        fields = {path: field for field, path in self.paths.items()}
        for finding in error.findings:
            dotted = ".".join(str(part) for part in finding.path if isinstance(part, str))
            field = fields.get(dotted)
            label = self.fields[field].label if field else ""
            message = finding.message.replace(dotted, str(label)) if label else finding.message
            self.add_error(field, message)


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
            self.fields[f"model_{row.name}"] = _model_field(row, model.connection, model.name)

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
    temperature = _number_field("llm", "temperature")
    top_p = _number_field("llm", "top_p", bounded_below=False)
    top_k = _number_field("llm", "top_k")
    max_tokens = _number_field("llm", "max_tokens")
    instruction = forms.CharField(
        label="System instruction",
        required=False,
        max_length=20_000,
        strip=False,
        help_text="What the model is told before every conversation: its role, its tone, its limits.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def sliders(self) -> list[dict[str, Any]]:
        return [_slider(self, "llm", name) for name in _SAMPLING]

    def clean_instruction(self) -> str:
        text: str = self.cleaned_data["instruction"]
        return text.replace("\r\n", "\n").strip("\n")


_SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")


class KnowledgeForm(StepForm):
    paths = {
        "collections": "spec.knowledge.collections",
        "size": "spec.knowledge.chunk.size",
        "overlap": "spec.knowledge.chunk.overlap",
        "mode": "spec.knowledge.retrieve.mode",
        "k": "spec.knowledge.retrieve.k",
        "diversity": "spec.knowledge.retrieve.diversity",
        "min_score": "spec.knowledge.retrieve.min_score",
        "rerank": "spec.knowledge.rerank.connection",
        "rerank_model": "spec.knowledge.rerank.name",
        "top_n": "spec.knowledge.rerank.top_n",
        "store": "spec.knowledge.store.kind",
        "store_connection": "spec.knowledge.store.connection",
    }
    advanced = (
        *("diversity", "min_score", "rerank", "rerank_model", "top_n"),
        *("store", "store_connection"),
    )
    """Fields that most projects leave as they are; what is not sent of them stays."""
    k = _number_field("retriever", "k")
    diversity = _number_field("retriever", "diversity")
    min_score = _number_field("retriever", "min_score")
    top_n = _number_field("rerank", "top_n")
    rerank = forms.ChoiceField(
        label="Who reranks?",
        required=False,
        help_text="Reads question and passage together: a better order, for one more request per question.",
    )
    rerank_model = forms.CharField(
        label="Reranking model",
        required=False,
        max_length=200,
        help_text="As that server calls it, for example bge-reranker-base. OPEA's services need none.",
    )
    store = forms.ChoiceField(
        label="Store",
        required=False,
        choices=[(kind, STORES[kind][:1].upper() + STORES[kind][1:]) for kind in STORES],
        help_text="The studio's own index needs no server and travels with a package.",
    )
    store_connection = forms.ChoiceField(
        label="Connection of the store",
        required=False,
        help_text="Where Redis, Qdrant, Milvus or PostgreSQL runs. Vectors are copied there and follow every change.",
    )
    collections = forms.MultipleChoiceField(
        label="Collections", required=False, widget=forms.CheckboxSelectMultiple
    )
    size = forms.IntegerField(
        label="Chunk size",
        min_value=100,
        max_value=8000,
        help_text="Characters per passage, for collections made from here on. 800 suits prose.",
        widget=forms.NumberInput(attrs={"step": 50}),
    )
    overlap = forms.IntegerField(
        label="Chunk overlap",
        min_value=0,
        max_value=4000,
        help_text="Characters that neighbours share, so that no sentence is cut from its context.",
        widget=forms.NumberInput(attrs={"step": 10}),
    )
    mode = forms.ChoiceField(label="Retrieval", widget=forms.RadioSelect)

    def __init__(
        self,
        data: Any = None,
        *,
        collections: Sequence[Any] = (),
        endpoints: Sequence[Endpoint] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        for name in self.advanced:
            self.fields[name].required = False
        knowledge = self.spec.spec.knowledge
        self._connections("rerank", endpoints, RERANKING, knowledge.rerank.connection, "Nobody")
        self._connections(
            "store_connection", endpoints, STORE_KINDS, knowledge.store.connection, "None"
        )
        names = [row.name for row in collections]
        unknown = [name for name in self.spec.spec.knowledge.collections if name not in names]
        self.unknown_collections = unknown
        choices = [(name, name) for name in [*names, *unknown]]
        self.fields["collections"].choices = choices  # type: ignore[attr-defined]
        modes = components()["retriever"].parameter("mode").choices
        self.fields["mode"].choices = list(modes.items())  # type: ignore[attr-defined]

    def sliders(self) -> list[dict[str, Any]]:
        return [_slider(self, "retriever", "k")]

    def finer(self) -> list[dict[str, Any]]:
        return [_slider(self, "retriever", name) for name in ("diversity", "min_score")]

    def kept(self) -> dict[str, Any]:
        """The slider of what reranking keeps."""
        return _slider(self, "rerank", "top_n")

    @property
    def opened(self) -> bool:
        """Whether something of the advanced part is set, or wrong."""
        knowledge = self.spec.spec.knowledge
        fresh = type(knowledge)()
        parts = ("rerank", "store")
        finer = (knowledge.retrieve.diversity, knowledge.retrieve.min_score)
        return (
            any(finer)
            or any(getattr(knowledge, part) != getattr(fresh, part) for part in parts)
            or any(name in self.errors for name in self.advanced)
        )

    def changes(self) -> dict[str, Any]:
        values = super().changes()
        for name in self.advanced:
            if self.cleaned_data[name] in (None, ""):
                values.pop(self.paths[name])
                if name in EMPTYABLE and name in self.data:
                    values[self.paths[name]] = EMPTYABLE[name]
        return values | {"spec.knowledge.collections": self._ordered()}

    def _connections(
        self,
        field: str,
        endpoints: Sequence[Endpoint],
        kinds: Sequence[str],
        now: str | None,
        nobody: str,
    ) -> None:
        rows = [(row.name, row.title) for row in endpoints if row.kind in kinds]
        if now and now not in dict(rows):
            rows.append((now, f"{now} (no such connection)"))
        self.fields[field].choices = [("", nobody), *rows]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        size, overlap = self.cleaned_data.get("size"), self.cleaned_data.get("overlap")
        if size is not None and overlap is not None and overlap >= size:
            self.add_error("overlap", f"The overlap must be smaller than the chunk size ({size}).")
        for name in self.advanced:
            emptied = name in self.data and self.cleaned_data.get(name, "") is None
            if emptied and name not in self.errors:
                self.add_error(name, "Type a number.")
        return super().clean()

    def _ordered(self) -> list[str]:
        """Those that were chosen before in their order, new ones behind."""
        chosen: list[str] = self.cleaned_data["collections"]
        before = self.spec.spec.knowledge.collections
        kept = [name for name in dict.fromkeys(before) if name in chosen]
        return kept + [name for name in chosen if name not in kept]


EMPTYABLE: Final[dict[str, Any]] = {"rerank": None, "rerank_model": "", "store_connection": None}
"""Fields whose empty value is one, and what the spec says then."""


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


SLIDER_TOPS = {"top_k": 200, "max_tokens": 4096, "k": 20}
"""Where a slider ends although larger values may be typed: its useful part stays wide."""


def findings_by_field(
    form: StepForm | None, found: Sequence[Finding]
) -> tuple[dict[str, list[Finding]], list[Finding]]:
    """Those of places that a field of the form edits, by field, and the others."""
    fields = {path: name for name, path in form.paths.items()} if form else {}
    placed: dict[str, list[Finding]] = {}
    rest: list[Finding] = []
    for finding in found:
        dotted = ".".join(part for part in finding.path if isinstance(part, str))
        if dotted in fields:
            placed.setdefault(fields[dotted], []).append(finding)
        else:
            rest.append(finding)
    return placed, rest


def _slider(form: Form, component: str, name: str) -> dict[str, Any]:
    parameter = components()[component].parameter(name)
    return {
        "field": form[name],
        "parameter": parameter,
        "top": SLIDER_TOPS.get(name, parameter.high),
        "step": f"{parameter.step:g}",
    }


def _model_field(endpoint: Endpoint, connection: str, model: str) -> forms.Field:
    chosen = model if connection == endpoint.name else ""
    label = f"Model at {endpoint.title}"
    if not endpoint.model_names:
        return forms.CharField(
            label=label,
            required=False,
            max_length=200,
            initial=chosen,
            widget=forms.TextInput(attrs={"class": "input input-sm font-mono"}),
        )
    names = list(endpoint.model_names)
    if chosen and chosen not in names:
        names.append(chosen)
    return forms.ChoiceField(
        label=label,
        required=False,
        initial=chosen or names[0],
        choices=[(name, name) for name in names],
        widget=forms.Select(attrs={"class": "select select-sm font-mono"}),
    )


def _at(values: dict[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
