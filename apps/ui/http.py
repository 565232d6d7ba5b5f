"""Answers that suit both a browser and htmx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from apps.accounts.models import User


class StudioRequest(HttpRequest):
    """The request as our middleware leaves it, for type checkers."""

    user: User
    htmx: HtmxDetails


def page(request: HttpRequest, name: str) -> str:
    """The template for a page: `app/name.html`, or `app/_name.html` for a non-boosted htmx request."""
    app, _, leaf = name.rpartition("/")
    htmx = request.htmx  # type: ignore[attr-defined]
    fragment = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    return f"{app}/{'_' if fragment else ''}{leaf}.html"


def sought_words(request: HttpRequest) -> str:
    """What `?q=` looks for, empty without it. No NUL: PostgreSQL refuses a text that holds one."""
    return request.GET.get("q", "").replace("\0", "").strip()[:200]


def whole_number(text: str | None) -> int | None:
    """A number as it stands in an address, at most 18 digits; None for anything else."""
    return int(text) if text and len(text) <= 18 and text.isdecimal() else None


def hx_redirect(request: HttpRequest, url: str) -> HttpResponse:
    """302 for a browser, HX-Redirect for htmx."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)
