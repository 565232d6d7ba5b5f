"""What the forms of all wizard steps have in common: where a field's value stands in the spec, and fields that
the catalog describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.catalog.domain.catalog import components
from apps.connections.models import Endpoint
from apps.projects.domain.findings import Finding
from apps.projects.domain.ops import assign
from apps.projects.domain.shape import Range, range_at
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import plain
from apps.projects.errors import SpecRefused
from apps.ui.forms import Form, control

SLIDER_TOPS = {"top_k": 200, "max_tokens": 4096, "k": 20}
"""Where a slider ends although larger values may be typed: its useful part stays wide."""


class StepForm(Form):
    """paths: from field to the place in the spec that it edits."""

    saves_itself = True
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


def number_field(component: str, name: str, *, bounded_below: bool = True) -> forms.Field:
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


def model_field(endpoint: Endpoint, connection: str, model: str) -> forms.Field:
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


def slider_of(form: Form, component: str, name: str) -> dict[str, Any]:
    parameter = components()[component].parameter(name)
    return {
        "field": form[name],
        "control": control(form[name], has_help=True),
        "parameter": parameter,
        "top": SLIDER_TOPS.get(name, parameter.high),
        "step": f"{parameter.step:g}",
    }


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


def _say_range(field: forms.Field, allowed: Range) -> None:
    sentence = f"It must be {allowed.in_words()}."
    field.error_messages |= {"min_value": sentence, "max_value": sentence}


def _at(values: dict[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
