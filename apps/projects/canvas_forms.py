"""The inspector's form, made from a component's parameters, and the values a node is tried with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from textwrap import dedent
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apps.catalog.domain.catalog import Component, Parameter
from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.flow_findings import RECORDS, unfit
from apps.projects.domain.port_values import PortValueUnfit, port_value
from apps.projects.domain.spec import FlowNode
from apps.projects.domain.yaml_io import written
from apps.projects.domain.yaml_nodes import Unreadable, read
from apps.runtime.media import MEDIA_LIMIT_BYTES, Media
from apps.ui.forms import Form, dressed

ID_HELP: Final = "How YAML and edges name it: a-z, 0-9 and single hyphens."
MEDIA: Final = ("image", "audio", "document")
SERVING: Final = ("openai", "opea")
"""Kinds of connections that serve models, for a second one that a node may name."""
ACCEPT: Final = {"image": "image/*", "audio": "audio/*", "document": ""}


class InspectorForm(Form):
    """One node's id, title and parameters.

    own: the parameters that the node sets itself; a control whose value differs from what the node
    would inherit makes its parameter the node's own.
    """

    id = forms.RegexField(
        r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        label="Id",
        max_length=63,
        help_text=ID_HELP,
        error_messages={"invalid": "Use a-z, 0-9 and single hyphens, beginning with a letter."},
    )
    title = forms.CharField(label="Title", max_length=80, required=False)

    def __init__(
        self,
        data: Any = None,
        *,
        node: FlowNode,
        component: Component,
        inherited: Mapping[str, Any],
        connections: Mapping[str, str],
        models: Mapping[str, Sequence[str]],
        kinds: Mapping[str, str] | None = None,
        taken: frozenset[str] = frozenset(),
    ) -> None:
        self.node, self.component, self.inherited = node, component, inherited
        self.connections, self.models, self.taken = connections, models, taken
        self.kinds = kinds or {}
        initial = {"id": node.id, "title": node.title}
        super().__init__(data, initial=initial, auto_id="inspector_%s")
        for parameter in component.parameters:
            field = self.fields[f"p-{parameter.name}"] = dressed(self._field(parameter))
            value = node.params.get(parameter.name, inherited.get(parameter.name))
            field.initial = _shown(parameter, value)
        if "p-model" in self.fields and self.served():
            self.fields["p-model"].widget.attrs["list"] = "inspector-models"
        self.fields["title"].widget.attrs["placeholder"] = component.title

    def served(self) -> Sequence[str]:
        """The models of the connection that the node runs on, to be proposed."""
        parameter = self.component.connection
        if parameter is None:
            return ()
        value = self.node.params.get(parameter.name, self.inherited.get(parameter.name))
        return self.models.get(str(value), ())

    def rows(self) -> list[dict[str, Any]]:
        """Each parameter with its bound field and whether the node sets it."""
        return [
            {
                "parameter": parameter,
                "field": self[f"p-{parameter.name}"],
                "own": parameter.name in self.node.params,
                "inherits": bool(parameter.setting),
                "choice": parameter.choices.get(str(self[f"p-{parameter.name}"].value()), ""),
            }
            for parameter in self.component.parameters
        ]

    def clean_id(self) -> str:
        wanted: str = self.cleaned_data["id"]
        if wanted != self.node.id and wanted in self.taken:
            raise forms.ValidationError("Another node has this id.")
        return wanted

    def clean(self) -> dict[str, Any]:
        for parameter in self.component.parameters:
            name = f"p-{parameter.name}"
            if name in self.cleaned_data:
                try:
                    value = _read(parameter, self.cleaned_data[name])
                except forms.ValidationError as error:
                    self.add_error(name, error)
                    continue
                if value is not None and (wrong := unfit(parameter, value)):
                    self.add_error(name, wrong)
                self.cleaned_data[name] = value
        return self.cleaned_data

    def changed_node(self) -> FlowNode:
        """The node with what was typed. Needs a valid form."""
        params: dict[str, Any] = {}
        for parameter in self.component.parameters:
            name, value = parameter.name, self.cleaned_data[f"p-{parameter.name}"]
            usual = _plain(self.inherited.get(name))
            own = name in self.node.params
            if value is not None and (own or value != usual):
                params[name] = value
        unknown = {
            name: value
            for name, value in self.node.params.items()
            if name not in {one.name for one in self.component.parameters}
        }
        return self.node.model_copy(
            update={
                "id": self.cleaned_data["id"],
                "title": self.cleaned_data["title"],
                "params": params | unknown,
            }
        )

    def _field(self, parameter: Parameter) -> forms.Field:
        if parameter.kind == "connection":
            return self._connection(parameter)
        return _FIELDS[parameter.kind](parameter)

    def _connection(self, parameter: Parameter) -> forms.Field:
        runs = parameter == self.component.connection
        fit = self.component.adapters if runs else SERVING
        choices = {
            name: title
            for name, title in self.connections.items()
            if name not in self.kinds or self.kinds[name] in fit
        }
        if self.component.adapter("embedded") if runs else parameter.default == BUILTIN:
            choices = {BUILTIN: "Built in", **choices}
        present = self.node.params.get(parameter.name, self.inherited.get(parameter.name)) or ""
        if present not in choices:
            label = "Choose a connection" if present in ("", BUILTIN) else f"{present} (unknown)"
            choices = {str(present): label, **choices}
        return forms.ChoiceField(
            label=parameter.title, required=False, choices=list(choices.items())
        )


def _number(parameter: Parameter) -> forms.Field:
    kind = forms.IntegerField if parameter.kind == "integer" else forms.FloatField
    step = parameter.step if parameter.kind == "integer" else "any"
    attrs = {"step": step, "inputmode": "decimal"}
    for name, value in (("min", parameter.low), ("max", parameter.high)):
        if value is not None:
            attrs[name] = f"{value:g}"
    return kind(label=parameter.title, required=False, widget=forms.NumberInput(attrs=attrs))


def _text(parameter: Parameter) -> forms.Field:
    return forms.CharField(label=parameter.title, required=False, max_length=2000, strip=False)


def _long_text(parameter: Parameter) -> forms.Field:
    box = forms.Textarea(attrs={"rows": 5})
    return forms.CharField(
        label=parameter.title, required=False, max_length=20_000, strip=False, widget=box
    )


def _records(parameter: Parameter) -> forms.Field:
    box = forms.Textarea(attrs={"rows": 8, "class": "font-mono", "spellcheck": "false"})
    return forms.CharField(
        label=parameter.title,
        required=False,
        max_length=20_000,
        strip=False,
        widget=box,
        help_text="A list, as YAML.",
    )


def _choice(parameter: Parameter) -> forms.Field:
    choices = [(value, value.replace("-", " ").capitalize()) for value in parameter.choices]
    return forms.ChoiceField(label=parameter.title, required=False, choices=choices)


def _boolean(parameter: Parameter) -> forms.Field:
    return forms.BooleanField(label=parameter.title, required=False)


_FIELDS: Final[dict[str, Callable[[Parameter], forms.Field]]] = {
    "number": _number,
    "integer": _number,
    "text": _text,
    "long-text": _long_text,
    "list": _long_text,
    "choice": _choice,
    "boolean": _boolean,
    **dict.fromkeys(RECORDS, _records),
}


def _shown(parameter: Parameter, value: Any) -> Any:
    if parameter.kind == "list":
        return "\n".join(str(one) for one in value or ())
    if parameter.kind in RECORDS:
        return dedent(written(list(value))) if value else ""
    return value


def _read(parameter: Parameter, value: Any) -> Any:
    """What was typed as the spec holds it; None for an emptied number, which inherits again."""
    if parameter.kind == "list":
        return [line.strip() for line in value.splitlines() if line.strip()]
    if parameter.kind in RECORDS:
        try:
            return read(value).value if value.strip() else []
        except Unreadable as error:
            raise forms.ValidationError(
                f"Line {error.line}: {error.message}", code=error.code
            ) from error
    if parameter.kind == "number" and value is not None and float(value).is_integer():
        return int(value)
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\0", "\ufffd")
    return value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class TryNodeForm(forms.Form):
    """A value for each input of a component; media are files."""

    def __init__(self, data: Any = None, files: Any = None, *, component: Component) -> None:
        self.component = component
        super().__init__(data, files, auto_id="try_%s")
        for port in component.inputs:
            self.fields[f"in-{port.name}"] = _input(port.type)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for port in self.component.inputs:
            given = self.cleaned_data.get(f"in-{port.name}")
            if isinstance(given, UploadedFile):
                values[port.name] = Media(
                    given.content_type or "application/octet-stream", given.read(), given.name or ""
                )
            elif given:
                try:
                    values[port.name] = port_value(port.type, given)
                except PortValueUnfit as error:
                    self.add_error(f"in-{port.name}", str(error))
            elif port.required and f"in-{port.name}" not in self.errors:
                self.add_error(f"in-{port.name}", "This input is needed.")
        self.values = values
        return self.cleaned_data

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"port": port, "field": self[f"in-{port.name}"], "hint": HINTS.get(port.type, "")}
            for port in self.component.inputs
        ]

    def fill(self, values: Mapping[str, Any]) -> None:
        """Begin with what went in when the node last ran."""
        for port in self.component.inputs:
            if port.type not in MEDIA and (value := values.get(port.name)) not in (None, ""):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                self.initial[f"in-{port.name}"] = text


HINTS: Final = {
    "history": 'JSON: [{"role": "user", "content": "…"}], or empty.',
    "messages": 'Plain text for one user message, or JSON: [{"role": "system", "content": "…"}].',
    "passages": "Plain text for one passage, or JSON: a list of texts.",
    "answer": "The words of the answer.",
    "json": "Any JSON value.",
    "chunks": "Names of collections, separated by commas; empty for all.",
    "vectors": "Names of collections, separated by commas; empty for all.",
    "index": "Names of collections in the studio's own index, separated by commas; empty for all.",
}


def _input(kind: str) -> forms.Field:
    if kind in MEDIA:
        box = forms.ClearableFileInput(
            attrs={"class": "file-input file-input-sm", "accept": ACCEPT[kind]}
        )
        return _MediaField(required=False, widget=box)
    attrs = {"rows": 2, "class": "textarea min-h-0 font-mono text-xs"}
    return forms.CharField(
        required=False, strip=False, max_length=200_000, widget=forms.Textarea(attrs=attrs)
    )


class _MediaField(forms.FileField):
    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if file and file.size > MEDIA_LIMIT_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MEDIA_LIMIT_BYTES // 2**20} MiB."
            )
        return file
