"""Redirects, notices and expected errors in the form that the asker understands.

Functions that are sync and async: on the streaming path nothing here costs a change of thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.decorators import sync_and_async_middleware
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from apps.runtime.errors import StudioError
from apps.ui.error_views import error_response

GetResponse = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def htmx_responses(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    """Turn redirects into HX-Redirect and new notices into the event `ui:toast` for htmx requests."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return _for_htmx(request, await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return _for_htmx(request, get_response(request))

    return synchronous


@sync_and_async_middleware
def studio_errors(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    """Answer a StudioError that a view let through with its own status and sentence."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            return response

        middleware: Callable[[HttpRequest], Any] = asynchronous
    else:

        def synchronous(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = get_response(request)
            return response

        middleware = synchronous
    middleware.process_exception = _answer_error  # type: ignore[attr-defined]
    return middleware


def _answer_error(request: HttpRequest, error: Exception) -> HttpResponse | None:
    return error_response(request, error) if isinstance(error, StudioError) else None


def _for_htmx(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not request.htmx:  # type: ignore[attr-defined]
        return response
    if response.status_code in {301, 302, 303, 307, 308} and "Location" in response:
        return _client_redirect(request, response)
    notices = getattr(request, "_messages", None)
    if (
        notices is not None
        and notices.added_new
        and "HX-Redirect" not in response
        and isinstance(response, HttpResponse)
    ):
        toasts = [
            {"message": str(notice), "level": notice.level_tag}
            for notice in notices._queued_messages
        ]
        notices._queued_messages = []
        trigger_client_event(response, "ui:toast", {"toasts": toasts})
    return response


def _client_redirect(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """HX-Redirect with the cookies of the redirect; sign-in leads back to the page, not to the fragment."""
    parts = urlsplit(response["Location"])
    if parts.path == resolve_url(settings.LOGIN_URL):
        current = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        query["next"] = current or "/"
        parts = parts._replace(query=urlencode(query, safe="/"))
    answer = HttpResponseClientRedirect(urlunsplit(parts))
    answer.cookies = response.cookies
    return answer
