"""Every error has the same form: RFC 9457."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.conf import settings

from tests.apps.api.conftest import Api


def test_unknown_address_is_a_problem(api: Api) -> None:
    answer = api.get("/nowhere")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:genai-studio:problem:api.not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such address. /api/v1/openapi.json lists all of them.",
        "code": "api.not-found",
        "instance": "/api/v1/nowhere",
    }


def test_unknown_row_is_a_problem(api: Api) -> None:
    answer = api.get(f"/projects/{uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (404, "api.not-found")


def test_wrong_method_is_a_problem(api: Api) -> None:
    answer = api.put("/me")

    assert (answer.status_code, answer.json()["code"]) == (405, "api.method-not-allowed")
    assert "GET" in answer["Allow"]


def test_broken_json_is_a_problem(api: Api) -> None:
    answer = api.client.post("/api/v1/projects", "{", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "api.unreadable-body")


def test_unknown_media_type_is_a_problem(api: Api) -> None:
    answer = api.client.post("/api/v1/projects", "<a/>", content_type="text/xml")

    assert (answer.status_code, answer.json()["code"]) == (415, "api.unsupported-media-type")


def test_wrong_fields_are_findings(api: Api) -> None:
    answer = api.post("/projects", {"application": "poetry", "name": "No Name"})

    problem = answer.json()
    assert answer.status_code == 400
    assert problem["code"] == "api.invalid"
    assert [finding["path"] for finding in problem["findings"]] == ["application", "name"]
    assert problem["findings"][0]["code"] == "api.invalid.invalid_choice"


def test_unknown_keys_are_findings(api: Api) -> None:
    answer = api.post("/projects", {"application": "qna", "titel": "Handbook"})

    problem = answer.json()
    assert answer.status_code == 400
    assert problem["code"] == "api.invalid"
    assert [finding["path"] for finding in problem["findings"]] == ["titel"]
    assert "Known here: application, title, name" in problem["findings"][0]["message"]


def test_too_many_requests_are_a_problem(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min"})

    answers = [api.get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "api.too-many-requests"
    assert int(answers[2]["Retry-After"]) > 0


def test_errors_of_ours_are_not_shown(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.api import people

    def crash(*args: object) -> None:
        raise ZeroDivisionError("inner detail")

    monkeypatch.setattr(people, "PersonSerializer", crash)

    answer = api.get("/me")

    assert answer.status_code == 500
    assert answer.json()["code"] == "api.crashed"
    assert "inner detail" not in answer.content.decode()


def test_only_json_is_rendered(api: Api) -> None:
    answer = api.client.get("/api/v1/me", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()["code"]) == (406, "api.not-acceptable")
    assert settings.REST_FRAMEWORK["DEFAULT_RENDERER_CLASSES"] == [
        "rest_framework.renderers.JSONRenderer"
    ]
