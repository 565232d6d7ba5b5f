"""Forms that look like the rest: daisyUI widget classes, errors and help announced."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField, widgets
from django.utils.safestring import SafeString

_CLASSES: list[tuple[type[widgets.Widget], str]] = [
    (widgets.CheckboxInput, "checkbox checkbox-sm"),
    (widgets.CheckboxSelectMultiple, ""),  # the class would go to the group; see .choices
    (widgets.RadioSelect, ""),
    (widgets.ClearableFileInput, "file-input"),
    (widgets.FileInput, "file-input"),
    (widgets.SelectMultiple, "select h-auto"),
    (widgets.Select, "select"),
    (widgets.Textarea, "textarea"),
    (widgets.HiddenInput, ""),
    (widgets.Input, "input"),
]


def _class_of(widget: widgets.Widget) -> str:
    if getattr(widget, "input_type", "") == "range":
        return "range range-sm range-primary"
    return next((css for kind, css in _CLASSES if isinstance(widget, kind)), "")


def dressed(field: forms.Field) -> forms.Field:
    """The field with the classes of its widget; for fields that a form gets later."""
    own = field.widget.attrs.get("class", "")
    field.widget.attrs["class"] = f"{_class_of(field.widget)} {own}".strip()
    return field


class _Dressed:
    """Adds the widget classes. Errors of a bound form mean status 422.

    saves_itself   the page keeps a place for every field's errors, which answers to saves fill
    """

    saves_itself = False
    fields: dict[str, forms.Field]
    label_suffix: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            dressed(field)

    @property
    def status(self) -> int:
        """The status of the page that shows this form: 422 once it was sent and refused."""
        return 422 if self.is_bound and self.errors else 200  # type: ignore[attr-defined]


class Form(_Dressed, forms.Form):
    pass


class ModelForm(_Dressed, forms.ModelForm):  # type: ignore[type-arg]
    pass


def control(bound: BoundField, *, has_help: bool) -> SafeString:
    """The widget of a bound field, with the ids of its help and errors in aria-describedby."""
    described = [f"{bound.auto_id}_help"] if has_help else []
    attrs: dict[str, Any] = {}
    if bound.errors:
        described.append(f"{bound.auto_id}_errors")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return bound.as_widget(attrs=attrs)
