"""Specs and files that the tests of projects start from."""

from __future__ import annotations

from apps.projects.domain.ops import assign
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import parse, starter

TEXT = starter("qna", "hr-helpdesk", "HR helpdesk")


def spec(**changes: object) -> ProjectSpec:
    """The starter with changes: `spec(model__connection="local")`."""
    found, findings = parse(TEXT)
    assert found is not None, findings
    return assign(found, {path.replace("__", "."): value for path, value in changes.items()})
