"""Every part that pages are made of is shown in the style guide, or it is said here why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from studio.style_shelves import LONG

ROOT = Path(settings.BASE_DIR)
FOLDERS = (ROOT / "templates", *sorted((ROOT / "apps").glob("*/templates")))

WHOLE_PANELS = {
    "benchmarks/_runs.html", "benchmarks/_start_form.html", "connections/_discovery.html",
    "evaluations/_changes.html", "evaluations/_datasets.html", "evaluations/_runs.html",
    "evaluations/_samples.html", "evaluations/_start_form.html", "knowledge/_documents.html",
    "knowledge/_progress.html", "packages/_list.html", "projects/_connect.html", "projects/_documents.html",
    "projects/_inspector.html", "projects/_preview.html", "projects/_review.html", "chat/_chat.html",
}  # fmt: skip
"""Most of a page, made of parts that are shown: the browser walk takes their pictures."""
FORMS = {
    "knowledge/_chunking_fields.html", "knowledge/_search_form.html", "accounts/_own_account.html",
    "projects/_step.html", "projects/_step_application.html", "projects/_step_deployment.html",
    "projects/_step_knowledge.html", "projects/_step_languages.html", "projects/_step_model.html",
    "projects/_step_parameters.html", "projects/_step_safety.html", "projects/_step_speech.html",
    "projects/_step_summary.html", "projects/_step_findings.html", "projects/_try_node.html",
}  # fmt: skip
"""Nothing but fields, whose states the section Forms shows."""
CARRIERS = {
    "chat/_again.html", "chat/_older.html", "chat/_older_button.html", "chat/_turn.html",
    "projects/_said_at_fields.html", "projects/_saved.html", "projects/_seen.html",
}  # fmt: skip
"""Put other parts where htmx wants them."""


def parts() -> set[str]:
    """Partials that are no page's body, and the kit's tags and parts."""
    found = set()
    for folder in FOLDERS:
        for path in folder.rglob("*.html"):
            own = path.name.startswith("_") and not (path.parent / path.name[1:]).exists()
            if own or path.parent.name in {"parts", "tags"}:
                found.add(str(path.relative_to(folder)))
    return found


@pytest.fixture
def shown(admin_client: Client) -> set[str]:
    answer = admin_client.get(reverse("ui:style_guide"))
    assert answer.status_code == 200
    return {template.name for template in answer.templates if template.name}


def test_every_part_is_shown(shown: set[str]) -> None:
    assert parts() - shown == WHOLE_PANELS | FORMS | CARRIERS


def test_every_part_shows_alone(admin_client: Client) -> None:
    page = admin_client.get(reverse("ui:style_guide"))
    keys = [row.key for _, specimens in page.context["shelves"] for row, _ in specimens]

    assert len(keys) == len(set(keys))
    for key in keys:
        answer = admin_client.get(reverse("ui:style_guide"), {"part": key})
        assert answer.status_code == 200, key
        assert b"<h1>" in answer.content


def test_a_part_that_does_not_exist(admin_client: Client) -> None:
    assert admin_client.get(reverse("ui:style_guide"), {"part": "none"}).status_code == 404


def test_parts_are_rendered_from_rows_that_are_never_saved(
    admin_client: Client, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(5):
        page = admin_client.get(reverse("ui:style_guide"))

    assert page.content.decode().count(LONG) > 5
