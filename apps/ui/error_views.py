"""How a StudioError looks to the one who asked: a page, a fragment with a notice, or JSON."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django_htmx.http import trigger_client_event

from apps.runtime.errors import Conflict, NotAllowed, ServiceFault, StudioError

SENTENCE_LIMIT = 1_000
"""Characters of a sentence that travel in a header to htmx."""


def error_response(request: HttpRequest, error: StudioError) -> HttpResponse:
    """The answer to a view's StudioError, with the error's own status and sentence."""
    if not request.accepts("text/html"):
        return JsonResponse({"error": error.as_dict(), "message": str(error)}, status=error.status)
    htmx = getattr(request, "htmx", None)
    template = "ui/_error.html" if htmx and not htmx.boosted else "ui/error.html"
    context = {"title": _title(error), "message": str(error), "code": error.code}
    response = render(request, template, context, status=error.status)
    if htmx:
        response["HX-Reswap"] = "none"  # the notice says it; what is on the page stays
        notice = {"message": str(error)[:SENTENCE_LIMIT], "level": "error"}
        trigger_client_event(response, "ui:toast", {"toasts": [notice]})
    return response


def _title(error: StudioError) -> str:
    if isinstance(error, NotAllowed):
        return "That is not allowed here"
    if isinstance(error, Conflict):
        return "Something else came first"
    if isinstance(error, ServiceFault):
        return "A server this needs did not do its part"
    return "That could not be done"
