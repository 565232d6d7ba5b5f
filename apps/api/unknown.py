from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from apps.api.problems import problem


@csrf_exempt
def unknown(request: HttpRequest) -> JsonResponse:
    """Below /api/v1 even a wrong address is answered in the API's own form."""
    detail = "There is no such address. /api/v1/openapi.json lists all of them."
    return problem(404, "api.not-found", detail, request.path)
