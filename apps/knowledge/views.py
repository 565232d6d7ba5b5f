"""Pages of collections: list, create, upload, progress, search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from apps.knowledge import copies, services
from apps.knowledge.domain.limits import FILE_BYTES
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import NameTaken, ReadOnly
from apps.knowledge.forms import CreateForm, DocumentFilter, SearchForm, SettingsForm
from apps.knowledge.models import Collection, Document
from apps.knowledge.queries import (
    collections_for,
    copies_for,
    may_change,
    may_create,
    status_counts,
    with_counts,
)
from apps.knowledge.retrieval import retriever_for
from apps.knowledge.uploads import BoundedUploadHandler
from apps.runtime.errors import StudioError
from apps.runtime.resources import RetrievalMode
from apps.ui.http import StudioRequest, hx_redirect, page, sought_words

PER_PAGE = 50
RESULTS = 8
UPLOAD_HELP = (
    "PDF, Word, PowerPoint, Excel, HTML, Markdown, CSV and any plain text, up to 100 MB a file and "
    "1,000 files at a time. A file of a name that is here already replaces it."
)


@login_required
@require_GET
def index(request: StudioRequest) -> HttpResponse:
    text = sought_words(request)
    rows = collections_for(request.user)
    found = rows.filter(title__icontains=text) if text else rows
    context = {
        "rows": _page(request, with_counts(found)),
        "text": text,
        "may_create": may_create(request.user),
    }
    return render(request, page(request, "knowledge/index"), context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: StudioRequest) -> HttpResponse:
    if not may_create(request.user):
        raise ReadOnly(title="The knowledge of this installation")
    form = CreateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        values = dict(form.cleaned_data)
        name = values.pop("name") or services.free_name(owner=request.user, title=values["title"])
        try:
            made = services.create_collection(owner=request.user, name=name, **values)
            return hx_redirect(request, made.get_absolute_url())
        except NameTaken as error:
            form.add_error("name", str(error))
        except StudioError as error:
            form.add_error(None, str(error))
    return render(request, "knowledge/create.html", {"form": form}, status=form.status)


@login_required
@require_GET
def collection(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    found = _collection(request, collection_id)
    context = _documents_context(request, found)
    if request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request:
        return render(request, "knowledge/_documents.html", context)
    context |= _progress_context(found) | {
        "search_form": SearchForm(),
        "copies": copies_for(request.user).filter(collection_id=found.pk),
        "upload_help": UPLOAD_HELP,
        "max_bytes": FILE_BYTES,
    }
    return render(request, "knowledge/collection.html", context)


@login_required
@require_GET
def documents(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    """The list alone, for a page that saw an upload or the end of a job."""
    context = _documents_context(request, _collection(request, collection_id))
    return render(request, "knowledge/_documents.html", context)


@login_required
@require_GET
def progress(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    """The bar, and beside it the state of the rows that the page shows; polled while work goes on."""
    found = _collection(request, collection_id)
    shown = [pk for pk in request.GET.getlist("shown")[:PER_PAGE] if _is_uuid(pk)]
    context = _progress_context(found) | {
        "collection": found,
        "may_change": may_change(request.user, found),
        "shown": Document.objects.filter(collection=found, pk__in=shown),
    }
    response = render(request, "knowledge/_progress.html", context)
    if not context["active"]:
        trigger_client_event(response, "documents-changed", after="settle")
    return response


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    found = _changeable(request, collection_id)
    form = SettingsForm(request.POST if request.method == "POST" else None, collection=found)
    if form.is_valid():
        job = services.update_collection(collection=found, by=request.user, **form.cleaned_data)
        messages.success(
            request,
            "Saved. All files are indexed again; the old passages stay searchable meanwhile."
            if job
            else "Saved.",
        )
        return hx_redirect(request, found.get_absolute_url())
    context = {"collection": found, "form": form}
    return render(request, "knowledge/settings.html", context, status=form.status)


@login_required
@require_POST
def delete(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    found = _changeable(request, collection_id)
    services.delete_collection(collection=found)
    messages.success(request, f"“{found.title}” is deleted.")
    return hx_redirect(request, reverse("knowledge:index"))


@login_required
@require_POST
def remove_copy(request: StudioRequest, copy_id: UUID) -> HttpResponse:
    """Take a collection's vectors out of a store, at once: it is one request."""
    copy = get_object_or_404(copies_for(request.user), pk=copy_id)
    found = _changeable(request, copy.collection_id)
    try:
        copies.leave(copy)
    except StudioError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{copy.connection} has no vectors of “{found.title}” any more.")
    return hx_redirect(request, found.get_absolute_url())


@csrf_exempt
def upload(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Checked for forgery further in: the check reads the body, and the handler must be set before."""
    request.upload_handlers = [BoundedUploadHandler(request)]
    return _upload(request, collection_id)  # type: ignore[arg-type]


@csrf_protect
@login_required
@require_POST
def _upload(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    found = _changeable(request, collection_id)
    wants_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    files = request.FILES.getlist("files")
    paths = request.POST.getlist("paths")
    names = paths if len(paths) == len(files) else [file.name or "" for file in files]
    try:
        received = services.receive(
            collection=found, files=list(zip(names, files, strict=True)), by=request.user
        )
    except StudioError as error:
        if wants_json:
            return JsonResponse(
                {"message": str(error), "error": error.as_dict()}, status=error.status
            )
        raise
    if wants_json:
        return JsonResponse(_as_json(received))
    _say(request, received)
    return hx_redirect(request, found.get_absolute_url())


@login_required
@require_POST
def retry(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    found = _changeable(request, collection_id)
    services.retry_documents(collection=found, by=request.user)
    return hx_redirect(request, found.get_absolute_url())


@login_required
@require_GET
def search(request: StudioRequest, collection_id: UUID) -> HttpResponse:
    """What the retriever finds, as the sandbox and the portal would get it."""
    found = _collection(request, collection_id)
    form = SearchForm(request.GET if "q" in request.GET else None)
    context: dict[str, Any] = {"collection": found, "search_form": form}
    if form.is_valid():
        mode: RetrievalMode = form.cleaned_data["mode"] or "hybrid"
        try:
            context["passages"] = retriever_for([found]).find(
                form.cleaned_data["q"], mode=mode, k=RESULTS
            )
        except StudioError as error:
            context["error"] = str(error)
    return render(request, page(request, "knowledge/search"), context, status=form.status)


def _collection(request: StudioRequest, collection_id: UUID) -> Collection:
    return get_object_or_404(collections_for(request.user), pk=collection_id)


def _changeable(request: StudioRequest, collection_id: UUID) -> Collection:
    found = _collection(request, collection_id)
    if not may_change(request.user, found):
        raise ReadOnly(title=found.title)
    return found


def _documents_context(request: StudioRequest, found: Collection) -> dict[str, Any]:
    form = DocumentFilter(request.GET)
    values = form.cleaned_data if form.is_valid() else {}
    rows = Document.objects.filter(collection=found).select_related("replaces")
    if text := values.get("q", "").strip():
        rows = rows.filter(name__icontains=text)
    if state := values.get("state"):
        rows = rows.filter(status=state)
    return {
        "collection": found,
        "rows": _page(request, rows),
        "filter": form,
        "filtered": bool(text or state),
        "query": request.GET.urlencode(),
        "may_change": may_change(request.user, found),
    }


def _progress_context(found: Collection) -> dict[str, Any]:
    """What the collection's job does. Documents whose job ended without them are stranded."""
    counts = status_counts(found)
    job = found.ingest_job
    active = bool(job and job.is_active)
    waiting = counts[DocumentStatus.QUEUED] + counts[DocumentStatus.INDEXING]
    return {
        "counts": counts,
        "total": sum(counts.values()),
        "job": job,
        "active": active,
        "stranded": 0 if active else waiting,
        "failed": counts[DocumentStatus.FAILED],
        "refused": counts[DocumentStatus.REFUSED],
    }


def _page(request: StudioRequest, rows: QuerySet[Any]) -> Any:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _as_json(received: services.Received) -> dict[str, Any]:
    return {
        "files": [
            {
                "name": outcome.name,
                "status": outcome.status,
                "code": outcome.code,
                "error": outcome.error,
                "id": str(outcome.document_id) if outcome.document_id else None,
            }
            for outcome in received.outcomes
        ],
        "refused": [
            {"name": outcome.name, "reason": outcome.error}
            for outcome in received.having("refused", "failed")
        ],
        "job": str(received.job.pk) if received.job else None,
    }


def _say(request: StudioRequest, received: services.Received) -> None:
    """Notices for the plain form: how many were taken, and each that was not, by name."""
    if not received.outcomes:
        messages.warning(request, "No file was chosen.")
    if taken := len(received.having("queued")):
        noun = "file" if taken == 1 else "files"
        messages.success(request, f"{taken:,} {noun} taken; indexing goes on in the background.")
    if same := len(received.having("unchanged")):
        messages.info(request, f"{same:,} unchanged, nothing to do for them.")
    troubles = received.having("refused", "failed")
    for outcome in troubles[:5]:
        messages.error(request, f"{outcome.name}: {outcome.error}")
    if len(troubles) > 5:
        messages.error(request, f"{len(troubles) - 5:,} more were refused; the list names them.")
