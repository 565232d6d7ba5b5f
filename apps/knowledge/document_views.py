"""Pages of one document: its passages, its original, and a passage as a citation opens it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from apps.knowledge import services
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import ReadOnly
from apps.knowledge.models import Chunk
from apps.knowledge.queries import chunks_for, documents_for, may_change, neighbours
from apps.ui.http import StudioRequest, hx_redirect, page, sought_words, whole_number

CHUNKS_PER_PAGE = 20
ORIGINAL_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Even if a browser showed the file: no script, no style, no form, no origin."""


@login_required
@require_GET
def document(request: StudioRequest, document_id: UUID) -> HttpResponse:
    found = get_object_or_404(documents_for(request.user), pk=document_id)
    rows = Chunk.objects.none()
    if found.status == DocumentStatus.READY:
        rows = Chunk.objects.filter(document=found).defer("embedding").order_by("ordinal")
    if text := sought_words(request):
        rows = rows.filter(text__icontains=text)
    context = {
        "document": found,
        "folder": found.name.rpartition("/")[0],
        "leaf": found.name.rpartition("/")[2],
        "collection": found.collection,
        "rows": Paginator(rows, CHUNKS_PER_PAGE).get_page(request.GET.get("page")),
        "text": text,
        "may_change": may_change(request.user, found.collection),
    }
    return render(request, page(request, "knowledge/document"), context)


@login_required
@require_GET
def original(request: StudioRequest, document_id: UUID) -> HttpResponseBase:
    """The uploaded file, always as a download: never shown by the browser under our address."""
    found = get_object_or_404(documents_for(request.user), pk=document_id)
    if not found.file:
        raise Http404
    try:
        file = found.file.open("rb")
    except OSError as error:
        raise Http404 from error
    leaf = found.name.rpartition("/")[2]
    response = FileResponse(
        file, as_attachment=True, filename=leaf, content_type="application/octet-stream"
    )
    response["Content-Security-Policy"] = ORIGINAL_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def remove(request: StudioRequest, document_id: UUID) -> HttpResponse:
    found = get_object_or_404(documents_for(request.user), pk=document_id)
    if not may_change(request.user, found.collection):
        raise ReadOnly(title=found.collection.title)
    services.remove_document(document=found)
    messages.success(request, f"“{found.name}” is removed.")
    return hx_redirect(request, found.collection.get_absolute_url())


@login_required
@require_GET
def passage(request: StudioRequest, chunk_id: UUID) -> HttpResponse:
    """A passage within its neighbours; ?start&end (offsets in its text) mark the quoted words."""
    chunk = get_object_or_404(chunks_for(request.user).defer("embedding"), pk=chunk_id)
    before, after = neighbours(chunk)
    context = {
        "chunk": chunk,
        "document": chunk.document,
        "folder": chunk.document.name.rpartition("/")[0],
        "leaf": chunk.document.name.rpartition("/")[2],
        "collection": chunk.document.collection,
        "before": _until(before, chunk.start),
        "after": _since(after, chunk.end),
        **_marked(chunk.text, request.GET.get("start"), request.GET.get("end")),
    }
    return render(request, page(request, "knowledge/passage"), context)


def _until(chunks: list[Chunk], offset: int) -> str:
    """Text of the chunks up to an offset: what they share with the passage is not said twice."""
    return "".join(chunk.text[: max(0, offset - chunk.start)] for chunk in chunks).strip("\n")


def _since(chunks: list[Chunk], offset: int) -> str:
    return "".join(chunk.text[max(0, offset - chunk.start) :] for chunk in chunks).strip("\n")


def _marked(text: str, start: str | None, end: str | None) -> dict[str, Any]:
    """The text in three: before the quotation, the quotation, after it. All of it without one."""
    first = whole_number(start) or 0
    last = whole_number(end) or 0
    if not 0 <= first < last <= len(text):
        return {"lead": "", "quote": text, "rest": "", "whole": True}
    return {"lead": text[:first], "quote": text[first:last], "rest": text[last:], "whole": False}
