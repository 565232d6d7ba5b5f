"""The people of a project: who has which role, give one, take one away."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.projects.enums import Act
from apps.projects.forms import ShareForm
from apps.projects.queries import project_for, require_role, role_of
from apps.projects.sharing import share_project, unshare_project
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page


@login_required
@require_http_methods(["GET", "POST"])
def people(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """POST gives a role, or changes one; for the owner."""
    posted = request.method == "POST"
    project = project_for(request.user, project_id, Act.SHARE if posted else Act.LOOK)
    form = ShareForm(request.POST if posted else None)
    if form.is_valid():
        try:
            shared = share_project(project=project, by=request.user, **form.cleaned_data)
        except StudioError as error:
            form.add_error("who", str(error))
        else:
            label = shared.get_role_display().lower()
            messages.success(request, f"{shared.user} is {label} of {project.title}.")
            return hx_redirect(request, reverse("projects:people", args=[project.pk]))
    context = {
        "project": project,
        "form": form,
        "memberships": project.memberships.select_related("user", "added_by"),
        "owns": role_of(request.user, project).may(Act.SHARE),
        "tab": "overview",
    }
    return render(request, page(request, "projects/people"), context, status=form.status)


@login_required
@require_POST
def unshare(request: StudioRequest, project_id: UUID, membership_id: int) -> HttpResponse:
    """The owner takes a role away; everybody may give up their own."""
    project = project_for(request.user, project_id)
    membership = get_object_or_404(project.memberships, pk=membership_id)
    leaving = membership.user_id == request.user.pk
    if not leaving:
        require_role(request.user, project, Act.SHARE)
    unshare_project(membership=membership, by=request.user)
    if leaving:
        messages.success(request, f"You left {project.title}.")
        return hx_redirect(request, reverse("projects:index"))
    messages.success(request, f"{membership.user} has no role any more.")
    return hx_redirect(request, reverse("projects:people", args=[project.pk]))
