"""`Idempotency-Key`: a request that is sent twice because its answer was lost is done once.

The answer of a finished request is kept in the cache for a day, per person, address and key
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.core.cache import cache
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.errors import KeyReused, StillRunning

KEPT_S = 24 * 3600
RUNNING_S = 600
"""After this long a request that left no answer is taken for lost."""
HEADER = "Idempotency-Key"
PARAMETER = OpenApiParameter(
    HEADER,
    location=OpenApiParameter.HEADER,
    description="Any text, new for every new request. The same key again returns the first answer.",
)

Method = Callable[..., Response]


def idempotent(method: Method) -> Method:
    """For methods of views that create something. Without the header nothing changes."""

    @wraps(method)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = request.headers.get(HEADER, "")
        if not given:
            return method(view, request, *args, **kwargs)
        key = _digest(str(request.user.pk), request.method or "", request.path, given)
        fingerprint = _fingerprint(request)
        if not cache.add(key, {"fingerprint": fingerprint}, RUNNING_S):
            return _again(cache.get(key) or {}, fingerprint)
        try:
            response = method(view, request, *args, **kwargs)
        except BaseException:
            cache.delete(key)
            raise
        answer = {"data": response.data, "status": response.status_code}
        cache.set(key, {"fingerprint": fingerprint, **answer}, KEPT_S)
        return response

    return once


def _again(kept: dict[str, Any], fingerprint: str) -> Response:
    if kept.get("fingerprint") != fingerprint:
        raise KeyReused
    if "status" not in kept:
        raise StillRunning
    return Response(kept["data"], status=kept["status"], headers={"Idempotency-Replayed": "true"})


def _fingerprint(request: Request) -> str:
    """Of the body; of an uploaded file its name and size, which are read already."""
    files = sorted((file.name, file.size) for file in request.FILES.values())
    data = request.data
    fields = data.dict() if hasattr(data, "dict") else data
    if isinstance(fields, dict):
        fields = {name: value for name, value in fields.items() if name not in request.FILES}
    body = orjson.dumps([fields, files], default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def _digest(*parts: str) -> str:
    return "api-once:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
