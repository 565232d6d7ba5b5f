from __future__ import annotations

import pytest

from apps.projects.domain.validate import check
from studio.cli.commands.init import APPLICATIONS
from tests.studio.cli.conftest import Studio


@pytest.mark.parametrize("application", APPLICATIONS)
def test_init_writes_a_valid_commented_project(studio: Studio, application: str) -> None:
    ran = studio("init", "--application", application, "my-app")

    spec, _ = check(ran.out)
    assert ran.code == 0
    assert spec is not None
    assert (spec.metadata.name, spec.spec.application) == ("my-app", application)
    assert ran.out.count("#") > 5
    if application != "custom":  # its flow is drawn first
        assert studio("validate", "-", stdin=ran.out).code == 0


def test_init_writes_to_a_file_once(studio: Studio) -> None:
    first = studio("init", "--application", "qna", "my-app", "-o", "p.yaml")
    second = studio("init", "--application", "qna", "other", "-o", "p.yaml")
    forced = studio("init", "--application", "qna", "other", "-o", "p.yaml", "--force", "--json")

    assert (first.code, second.code, forced.code) == (0, 2, 0)
    assert "p.yaml exists already" in second.err
    assert forced.data == {"name": "other", "application": "qna", "path": "p.yaml"}


@pytest.mark.parametrize("name", ["My App", "9lives", "a--b", "x" * 64, ""])
def test_init_refuses_a_bad_name(studio: Studio, name: str) -> None:
    ran = studio("init", "--application", "qna", name)

    assert (ran.code, ran.out) == (2, "")
    assert "cannot name a project" in ran.err


def test_init_refuses_an_unknown_application(studio: Studio) -> None:
    assert studio("init", "--application", "poetry", "x").code == 2


def test_init_needs_no_django(without_django, tmp_path) -> None:
    assert without_django(tmp_path, "init", "--application", "qna", "x").code == 0
