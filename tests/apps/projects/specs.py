"""Specs and files that the tests of projects start from."""

from __future__ import annotations

from collections.abc import Mapping

from apps.projects.domain.ops import assign
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import parse, starter

TEXT = starter("qna", "hr-helpdesk", "HR helpdesk")


def spec(**changes: object) -> ProjectSpec:
    """The starter with changes: `spec(model__connection="local")`."""
    found, findings = parse(TEXT)
    assert found is not None, findings
    return assign(found, {path.replace("__", "."): value for path, value in changes.items()})


def project_for(application: str, changes: Mapping[str, object]) -> ProjectSpec:
    """The application's starter with changes by dotted path."""
    found, findings = parse(starter(application, "my-project"))
    assert found is not None, findings
    return assign(found, dict(changes))
