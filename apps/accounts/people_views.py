"""Pages for administrators: people and the audit log."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts import services
from apps.accounts.access import administrator_required
from apps.accounts.forms import AuditFilterForm, PersonForm, SearchForm
from apps.accounts.models import User
from apps.accounts.queries import audit_actions, audit_entries, people_matching
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page

PAGE_SIZE = 50


@administrator_required
@require_GET
def people(request: StudioRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    rows = Paginator(people_matching(text), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "text": text, "rows": rows}
    return render(request, page(request, "accounts/people"), context, status=form.status)


@administrator_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_person(request: StudioRequest) -> HttpResponse:
    form = PersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            person, path = services.create_person(by=request.user, **form.cleaned_data)
        except StudioError as error:
            form.add_error("username", str(error))
        else:
            return _with_link(request, person, path)
    return render(request, "accounts/create_person.html", {"form": form}, status=form.status)


@administrator_required
@require_GET
def person(request: StudioRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(User, pk=person_id)
    return render(request, "accounts/person.html", {"person": shown})


@administrator_required
@never_cache
@require_POST
def reset_link(request: StudioRequest, person_id: int) -> HttpResponse:
    """The link is in this answer and nowhere else."""
    shown = get_object_or_404(User, pk=person_id, is_active=True)
    return _with_link(request, shown, services.new_password_link(user=shown, by=request.user))


@administrator_required
@require_POST
def disable_person(request: StudioRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(User, pk=person_id)
    services.disable(user=shown, by=request.user)
    return _done(request, shown, f"{shown} can no longer sign in.")


@administrator_required
@require_POST
def enable_person(request: StudioRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(User, pk=person_id)
    services.enable(user=shown, by=request.user)
    return _done(request, shown, f"{shown} can sign in again.")


@administrator_required
@require_POST
def make_administrator(request: StudioRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(User, pk=person_id)
    services.make_administrator(user=shown, by=request.user)
    return _done(request, shown, f"{shown} is an administrator now.")


@administrator_required
@require_POST
def remove_administrator(request: StudioRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(User, pk=person_id)
    services.remove_administrator(user=shown, by=request.user)
    return _done(request, shown, f"{shown} is no longer an administrator.")


@administrator_required
@require_GET
def audit(request: StudioRequest) -> HttpResponse:
    form = AuditFilterForm(request.GET, actions=audit_actions())
    wanted = form.cleaned_data if form.is_valid() else {}
    rows = Paginator(audit_entries(**wanted), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "rows": rows}
    return render(request, page(request, "accounts/audit"), context, status=form.status)


def _with_link(request: StudioRequest, shown: User, path: str) -> HttpResponse:
    context = {"person": shown, "link": request.build_absolute_uri(path)}
    return render(request, "accounts/person.html", context)


def _done(request: StudioRequest, shown: User, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    if shown.pk == request.user.pk and not User.objects.get(pk=shown.pk).is_superuser:
        return hx_redirect(request, reverse("accounts:profile"))
    return hx_redirect(request, reverse("accounts:person", args=[shown.pk]))
