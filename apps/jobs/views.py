"""Pages of background work: what runs, how far it is, cancel and retry."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from apps.jobs.enums import ACTIVE, JobStatus
from apps.jobs.models import Job
from apps.jobs.queries import jobs_for
from apps.jobs.services import cancel_job, retry_job
from apps.ui.forms import Form
from apps.ui.http import StudioRequest, hx_redirect, page

PER_PAGE = 50


class JobFilter(Form):
    q = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(
        required=False,
        choices=[("", "Every status"), ("active", "Active"), *JobStatus.choices],
    )


@login_required
@require_GET
def index(request: StudioRequest) -> HttpResponse:
    form = JobFilter(request.GET)
    values = form.cleaned_data if form.is_valid() else {}
    rows = jobs_for(request.user).defer("log", "error_message")
    if text := values.get("q", "").strip():
        rows = rows.filter(title__icontains=text)
    if state := values.get("state"):
        rows = rows.filter(status__in=ACTIVE if state == "active" else [state])
    context = {
        "rows": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "filter": form,
        "filtered": bool(text or state),
    }
    return render(request, page(request, "jobs/index"), context)


@login_required
@require_GET
def detail(request: StudioRequest, job_id: UUID) -> HttpResponse:
    return render(request, "jobs/detail.html", {"job": _job(request, job_id)})


@login_required
@require_GET
def row(request: StudioRequest, job_id: UUID) -> HttpResponse:
    return render(request, "jobs/_row.html", {"job": _job(request, job_id)})


@login_required
@require_GET
def progress(request: StudioRequest, job_id: UUID) -> HttpResponse:
    return render(request, "jobs/_progress.html", {"job": _job(request, job_id)})


@login_required
@require_GET
def status(request: StudioRequest, job_id: UUID) -> JsonResponse:
    """For scripts: the same as the page says, without the log."""
    job = _job(request, job_id)
    return JsonResponse(
        {
            "id": str(job.pk),
            "kind": job.kind,
            "title": job.title,
            "status": job.status,
            "done": job.done,
            "total": job.total,
            "percent": job.percent,
            "message": job.message,
            "error": {"code": job.error_code, "message": job.error_message}
            if job.error_code
            else None,
            "active": job.is_active,
            "retryable": job.is_retryable,
        }
    )


@login_required
@require_POST
def cancel(request: StudioRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    cancel_job(job)
    return _after(request, job)


@login_required
@require_POST
def retry(request: StudioRequest, job_id: UUID) -> HttpResponse:
    """Raises JobNotRetryable, shown by the middleware, if somebody was faster."""
    job = retry_job(_job(request, job_id))
    messages.success(request, f"“{job.title}” is queued again.")
    return _after(request, job)


def _after(request: StudioRequest, job: Job) -> HttpResponse:
    """Where the form was, if that is what the job works on; else its progress for htmx, its page for a browser."""
    if job.target_url and request.POST.get("next") == job.target_url:
        return hx_redirect(request, job.target_url)
    if request.htmx:
        job.refresh_from_db()
        return render(request, "jobs/_progress.html", {"job": job})
    return hx_redirect(request, job.get_absolute_url())


def _job(request: StudioRequest, job_id: UUID) -> Job:
    return get_object_or_404(jobs_for(request.user), pk=job_id)
