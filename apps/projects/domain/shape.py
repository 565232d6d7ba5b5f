"""What the spec's own types say about a place in it: allowed keys, kind, range, choices."""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from apps.projects.domain.spec import ProjectSpec

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number; `above` is exclusive, `low` and `high` are inclusive."""

    low: float | None = None
    high: float | None = None
    above: float | None = None

    def in_words(self) -> str:
        if self.above is not None and self.high is not None:
            return f"more than {self.above:g} and at most {_number(self.high)}"
        if self.low is not None and self.high is not None:
            return f"from {_number(self.low)} to {_number(self.high)}"
        return f"at least {self.low}" if self.low is not None else f"at most {self.high}"


@cache
def keys_at(path: Path) -> tuple[str, ...]:
    """The keys that a block at this path may have; empty where it is no block."""
    model = _resolve(path)[0]
    return tuple(_named_fields(model)) if _is_model(model) else ()


@cache
def is_open_at(path: Path) -> bool:
    """Whether the block at this path takes keys of any name (`spec.layout`, a node's `params`)."""
    return get_origin(_resolve(path)[0]) is dict


@cache
def field_at(path: Path) -> FieldInfo | None:
    """The pydantic field behind a path, None for a list item or an unknown place."""
    return _resolve(path)[1]


@cache
def choices_at(path: Path) -> tuple[Any, ...]:
    annotation = _bare(_resolve(path)[0])
    return get_args(annotation) if get_origin(annotation) is Literal else ()


@cache
def range_at(path: Path) -> Range | None:
    field = field_at(path)
    if field is None:
        return None
    low = high = above = None
    for rule in field.metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
        above = getattr(rule, "gt", above)
    return None if low is high is above is None else Range(low, high, above)


@cache
def kind_at(path: Path) -> str:
    """ "text", "a number", … as a person says it."""
    annotation = _bare(_resolve(path)[0])
    if _is_model(annotation):
        return "a block of keys (" + ", ".join(_named_fields(annotation)) + ")"
    if get_origin(annotation) is tuple:
        return "a list"
    if get_origin(annotation) is dict:
        return "a block of keys"
    return _KINDS.get(annotation, "text")


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _resolve(path: Path) -> tuple[Any, FieldInfo | None]:
    annotation: Any = ProjectSpec
    field: FieldInfo | None = None
    for part in path:
        annotation = _bare(annotation)
        field = None
        if _is_model(annotation) and isinstance(part, str):
            field = _named_fields(annotation).get(part)
            annotation = field.annotation if field else None
        elif get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            annotation = None
    return _bare(annotation), field


def _named_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _bare(annotation: Any) -> Any:
    """The annotation without Annotated and without `| None`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation
