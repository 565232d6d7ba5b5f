"""Error pages, the activity indicator and the style guide."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from apps.ui import style
from apps.ui.context import Shell
from apps.ui.faults import fault_of
from apps.ui.http import hx_redirect, page


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(
        request,
        400,
        "The request could not be read",
        "Something in the address or the form was not valid. Go back, reload the page and try again.",
    )


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(
        request,
        403,
        "You may not do that",
        "Your account does not have this right. Ask an administrator if you need it.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(
        request,
        403,
        "This form is out of date",
        "It was opened before you signed in or out, or cookies are blocked. Go back, reload the page and send it again.",
    )


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(
        request,
        404,
        "There is nothing here",
        "The page does not exist, was removed, or belongs to somebody else. Check the address, or start again from the first page.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Needs no database, session or built style sheet: any of them may be what is broken.

    Called while the exception is handled, so that a fault of the surroundings is told as one.
    """
    fault = fault_of(sys.exc_info()[1])
    status = fault.status if fault else 500
    if fault and _is_program(request):
        return JsonResponse({"error": fault.as_dict(), "message": str(fault)}, status=status)
    title = "A server this needs did not do its part" if fault else "The server failed"
    context = {"fault": fault, "status": status, "title": title}
    html = loader.get_template("ui/500.html").render(context)
    response = HttpResponse(html, status=status)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode() if style else b"").digest()).decode()
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    )
    if fault and request.headers.get("HX-Request"):
        response["HX-Reswap"] = "none"
        toast = {"message": str(fault), "level": "error"}
        trigger_client_event(response, "ui:toast", {"toasts": [toast]})
    return response


def _is_program(request: HttpRequest) -> bool:
    return "Authorization" in request.headers or not request.accepts("text/html")


@login_required
@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    return render(request, "ui/_activity.html", {"activity": Shell(request).activity})


@login_required
@require_http_methods(["GET", "POST"])
def style_guide(request: HttpRequest) -> HttpResponse:
    """Every part of the kit in every state; for staff, and for our own tests of looks and access."""
    if not request.user.is_staff:
        raise Http404
    if "upload" in request.POST:  # the sample drop area; nothing is kept
        return JsonResponse({"refused": []})
    form = style.SampleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        messages.success(request, f"Saved {form.cleaned_data['name']}.")
        return hx_redirect(request, request.path)
    if "error" in request.GET:
        raise style.SampleRefused(name="handbook.pdf")
    if part := request.GET.get("part"):
        return _part(request, part)
    context = {
        "form": form,
        "scripts": getattr(settings, "STYLE_SCRIPTS", ()),
        "sheets": getattr(settings, "STYLE_SHEETS", ()),
        "shelves": [
            (shelf.title, [(row, row.rendered(request)) for row in shelf.specimens])
            for shelf in style.shelves(request)
        ],
        **style.samples(request.GET.get("page", "3")),
    }
    return render(request, page(request, "ui/style_guide"), context, status=form.status)


def _part(request: HttpRequest, key: str) -> HttpResponse:
    """One specimen by itself, alive: with its scripts, its focus and its own ids."""
    found = style.specimen(request, key)
    if found is None:
        raise Http404
    context = {
        "specimen": found,
        "html": found.rendered(request),
        "scripts": getattr(settings, "STYLE_SCRIPTS", ()),
        "sheets": getattr(settings, "STYLE_SHEETS", ()),
    }
    return render(request, "ui/style_part.html", context)


def _error(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """Also answers before the session was read (a bad Host header), so it asks for neither user nor form token."""
    context = {"status": status, "title": title, "message": message, "shell": Shell(request)}
    return HttpResponse(loader.render_to_string("ui/error.html", context), status=status)
