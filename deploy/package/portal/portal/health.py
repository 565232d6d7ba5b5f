"""Health for container engines and load balancers. No sign-in, no secrets in the answers."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.knowledge import knowledge_state


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else: a slow database must not get it killed."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Requests can be served: the database answers and the packaged knowledge is taken in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        state = knowledge_state()
    except DatabaseError:
        return JsonResponse({"status": "waiting", "database": "does not answer"}, status=503)
    if state == "missing":
        return JsonResponse({"status": "waiting", "knowledge": state}, status=503)
    return JsonResponse({"status": "ready", "database": "ok", "knowledge": state})


def absent(request: HttpRequest) -> HttpResponse:
    """Where a feature's pages would be that this package was made without."""
    raise Http404
