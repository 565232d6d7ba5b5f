from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.connections.forms import CreateEndpointForm, EditEndpointForm
from apps.connections.models import Endpoint
from apps.connections.queries import endpoints_for
from apps.connections.services import (
    create_endpoint,
    delete_endpoint,
    test_endpoint,
    test_saved_endpoint,
    update_endpoint,
)
from apps.connections.services import discover as discover_servers
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page, sought_words

PAGE_SIZE = 50
PREFILLED = ("kind", "title", "name", "base_url")
"""What an address of the form may say; a key never stands in one."""


@login_required
@require_safe
def index(request: StudioRequest) -> HttpResponse:
    words = sought_words(request)
    rows = endpoints_for(request.user)
    if words:
        rows = rows.filter(title__icontains=words) | rows.filter(base_url__icontains=words)
    endpoints = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"endpoints": endpoints, "words": words}
    return render(request, page(request, "connections/index"), context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: StudioRequest) -> HttpResponse:
    """Connect a server: it is tested first; one that fails the test is saved only if asked again."""
    form = CreateEndpointForm(
        request.POST if request.method == "POST" else None,
        initial={key: value for key in PREFILLED if (value := request.GET.get(key))},
    )
    asked = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {"form": form, "next": asked.get("next", "")}
    if form.is_valid():
        values = form.cleaned_data
        result = test_endpoint(values["base_url"], values["api_key"], kind=values["kind"])
        context["result"] = result
        if result.outcome != "failed" or request.POST.get("anyway"):
            try:
                endpoint = create_endpoint(owner=request.user, result=result, **values)
            except StudioError as error:
                form.add_error("name", str(error))
            else:
                messages.success(request, f"{endpoint.title} is connected.")
                return hx_redirect(request, _after(request, endpoint))
    status = 422 if form.is_bound else 200
    template = "connections/_outcome.html" if form.is_bound else "connections/_create.html"
    return render(
        request, template if request.htmx else "connections/create.html", context, status=status
    )


@login_required
@require_http_methods(["GET", "POST"])
def detail(request: StudioRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = get_object_or_404(endpoints_for(request.user), pk=endpoint_id)
    form = EditEndpointForm(
        request.POST if request.method == "POST" else None,
        initial={"title": endpoint.title, "base_url": endpoint.base_url},
        has_key=endpoint.secret_id is not None,
        kind=endpoint.kind,
    )
    if form.is_valid():
        update_endpoint(endpoint=endpoint, **form.cleaned_data)
        messages.success(request, "Saved. Test the connection to see whether it works.")
        return hx_redirect(request, endpoint.get_absolute_url())
    context = {"endpoint": endpoint, "form": form, "result": endpoint.test_result}
    return render(request, page(request, "connections/detail"), context, status=form.status)


@login_required
@require_POST
def test(request: StudioRequest, endpoint_id: UUID | None = None) -> HttpResponse:
    """Ask a server now: a saved connection with its stored key, or what the form says."""
    if endpoint_id:
        endpoint = get_object_or_404(endpoints_for(request.user), pk=endpoint_id)
        return _test_saved(request, endpoint)
    form = CreateEndpointForm(request.POST)
    form.fields["title"].required = False
    if not form.is_valid():
        return render(request, "connections/_outcome.html", {"form": form}, status=422)
    values = form.cleaned_data
    result = test_endpoint(values["base_url"], values["api_key"], kind=values["kind"])
    return render(request, "connections/_outcome.html", {"form": form, "result": result})


@login_required
@require_POST
def discover(request: StudioRequest) -> HttpResponse:
    """Model servers that listen on this machine, those already connected marked."""
    context: dict[str, Any] = {"next": _safe_next(request)}
    try:
        context["found"] = discover_servers(frozenset({int(request.get_port())}))
    except StudioError as error:
        context["error"] = str(error)
    known = set(endpoints_for(request.user).values_list("base_url", flat=True))
    context["known"] = known | {url.replace("127.0.0.1", "localhost") for url in known}
    context["known"] |= {url.replace("localhost", "127.0.0.1") for url in known}
    template = "connections/_discover.html" if request.htmx else "connections/discover.html"
    return render(request, template, context)


@login_required
@require_POST
def delete(request: StudioRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = get_object_or_404(endpoints_for(request.user), pk=endpoint_id)
    title = endpoint.title
    delete_endpoint(endpoint=endpoint)
    messages.success(request, f"{title} and its key are removed.")
    return hx_redirect(request, reverse("connections:index"))


def _test_saved(request: StudioRequest, endpoint: Endpoint) -> HttpResponse:
    context: dict[str, Any] = {"endpoint": endpoint}
    try:
        model = request.POST.get("model", "")
        context["result"] = test_saved_endpoint(endpoint=endpoint, model=model)
    except StudioError as error:
        context["error"] = str(error)
    if request.htmx:
        return render(request, "connections/_status.html", context)
    if "error" in context:
        messages.error(request, context["error"])
    return hx_redirect(request, endpoint.get_absolute_url())


def _after(request: StudioRequest, endpoint: Endpoint) -> str:
    back = _safe_next(request)
    return f"{back}?choose={endpoint.name}" if back else endpoint.get_absolute_url()


def _safe_next(request: StudioRequest) -> str:
    """The page of ours to go on with, without its query, or nothing."""
    url = request.POST.get("next", "").partition("?")[0]
    own = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if own else ""
