from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.chat.context import chat_context
from apps.chat.gateway import gateway
from apps.chat.models import ChatSession
from apps.chat.queries import sessions_for
from apps.projects.models import SpecVersion
from apps.projects.queries import project_for
from apps.ui.http import StudioRequest, page


@login_required
@require_GET
def sandbox(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Talk to a frozen version: `?version=` (a number, the newest by default), `?session=` goes on
    with a conversation."""
    project = project_for(request.user, project_id)
    versions = list(project.versions.defer("yaml", "graph", "spec"))
    context: dict[str, Any] = {"project": project, "tab": "sandbox", "versions": versions}
    if versions:
        session = _session(request)
        version = _version(request, versions, session)
        app = gateway().app_for(request.user, version.app_key)
        context |= {"version": version, **chat_context(request, app, session)}
    return render(request, page(request, "sandboxes/sandbox"), context)


def _session(request: StudioRequest) -> ChatSession | None:
    if not (wanted := request.GET.get("session", "")):
        return None
    try:
        return get_object_or_404(sessions_for(request.user), pk=UUID(wanted))
    except ValueError as error:
        raise Http404 from error


def _version(
    request: StudioRequest, versions: list[SpecVersion], session: ChatSession | None
) -> SpecVersion:
    """The session's version, the one asked for, or the newest."""
    if session:
        found = [each for each in versions if each.app_key == session.app_key]
    elif number := request.GET.get("version", ""):
        found = [each for each in versions if str(each.number) == number]
    else:
        found = versions
    if not found:
        raise Http404
    return found[0]
