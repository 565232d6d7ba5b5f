"""Fills the package's templates. A name that is not in the context is an error, never an empty string."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined, Template

ENVIRONMENT = Environment(
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=False,
    autoescape=False,  # noqa: S701 - YAML, Markdown and make, never HTML
)


def render(text: str, context: dict[str, Any]) -> bytes:
    """The filled template as UTF-8 with exactly one newline at its end.

    Raises jinja2.UndefinedError, a mistake of ours, if the template names something unknown.
    """
    template: Template = ENVIRONMENT.from_string(text)
    return (template.render(context).rstrip() + "\n").encode()
