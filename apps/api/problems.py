"""Errors as application/problem+json (https://www.rfc-editor.org/rfc/rfc9457).

{"type", "title", "status", "detail", "code", "instance"} and, where single places are wrong,
"findings": [{"code", "path", "message", "line", "column"}]. `code` is stable and dotted.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from apps.runtime.errors import StudioError
from apps.ui.faults import fault_of

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
CODES = {
    exceptions.NotAuthenticated: "api.not-authenticated",
    exceptions.AuthenticationFailed: "api.token-refused",
    exceptions.PermissionDenied: "api.forbidden",
    exceptions.NotFound: "api.not-found",
    exceptions.MethodNotAllowed: "api.method-not-allowed",
    exceptions.NotAcceptable: "api.not-acceptable",
    exceptions.UnsupportedMediaType: "api.unsupported-media-type",
    exceptions.Throttled: "api.too-many-requests",
    exceptions.ParseError: "api.unreadable-body",
}
INVALID = "api.invalid"
PLACELESS = {"severity": "error", "line": 0, "column": 0}
"""What a finding about a JSON body says besides code, message and path."""


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. What is not expected is logged and said in general terms."""
    headers: dict[str, str] = {}
    if isinstance(error, StudioError):
        body = of_studio_error(error)
    elif isinstance(error, Http404):
        body = _body(404, "api.not-found", "There is no such thing here.")
    elif isinstance(error, PermissionDenied):
        body = _body(403, "api.forbidden", "You may not do this.")
    elif isinstance(error, exceptions.ValidationError):
        body = _of_validation(error)
    elif isinstance(error, exceptions.APIException):
        body = _body(error.status_code, CODES.get(type(error), INVALID), str(error.detail))
        headers = _headers(error)
    elif fault := fault_of(error):
        log.error("api.fault", code=fault.code, exc_info=error)
        body = of_studio_error(fault)
    else:
        log.error("api.crashed", exc_info=error)
        body = _body(
            500, "api.crashed", "This stopped on an error of ours; the log has the details."
        )
    _roll_back()
    if request := context.get("request"):
        body["instance"] = request.path
    return Response(body, status=body["status"], content_type=MEDIA_TYPE, headers=headers)


def of_studio_error(error: StudioError) -> dict[str, Any]:
    data = error.as_dict()
    body = _body(error.status, error.code, str(error), data.get("findings"))
    for name in ("their_yaml", "their_revision"):
        if (value := getattr(error, name, None)) is not None:
            body[name] = value
    return body


def problem(status: int, code: str, detail: str, path: str) -> JsonResponse:
    """For views outside DRF's own handling."""
    body = _body(status, code, detail) | {"instance": path}
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def _body(status: int, code: str, detail: str, findings: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:genai-studio:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return body | ({"findings": findings} if findings else {})


def _of_validation(error: exceptions.ValidationError) -> dict[str, Any]:
    findings = list(_findings(error.get_full_details()))
    first = findings[0]
    place = f"{first['path']}: " if first["path"] else ""
    more = f" ({len(findings) - 1} more)" if len(findings) > 1 else ""
    return _body(400, INVALID, f"{place}{first['message']}{more}", findings)


def _findings(details: Any, path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    if isinstance(details, dict) and {"message", "code"} == set(details):
        where = [part for part in path if part != "non_field_errors"]
        yield {
            "code": f"{INVALID}.{details['code']}",
            "message": str(details["message"]),
            "path": ".".join(where),
            **PLACELESS,
        }
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _findings(inner, (*path, str(name)))
    else:
        for index, inner in enumerate(details):
            leaf = isinstance(inner, dict) and {"message", "code"} == set(inner)
            yield from _findings(inner, path if leaf else (*path, str(index)))


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def _roll_back() -> None:
    """As DRF's own handler does: an error inside ATOMIC_REQUESTS leaves nothing behind."""
    if (
        transaction.get_connection().in_atomic_block
        and transaction.get_connection().settings_dict.get("ATOMIC_REQUESTS")
    ):
        transaction.set_rollback(True)
