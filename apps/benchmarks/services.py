"""Load runs: start, record, finish, delete."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from django.core.files.base import ContentFile
from django.db import transaction

from apps.benchmarks.domain.machine import is_this_machine
from apps.benchmarks.domain.profile import MAX_PROMPTS, Profile
from apps.benchmarks.errors import RemoteModelServer, RunActive
from apps.benchmarks.models import BenchRun, ResourceSample
from apps.evaluations.app_under_test import servers_of
from apps.evaluations.models import Dataset
from apps.evaluations.services import knowledge_of
from apps.evaluations.words_only import refuse_files
from apps.jobs.models import Job
from apps.jobs.services import start_job
from apps.projects.enums import Act
from apps.projects.models import SpecVersion
from apps.projects.queries import require_role_still, spec_of
from apps.runtime.resources import ModelServer

if TYPE_CHECKING:
    from apps.accounts.models import User

RUN_TASK = "benchmarks.run"


@transaction.atomic
def start_bench(*, version: SpecVersion, profile: Profile, by: User) -> BenchRun:
    """Queue a load run against one frozen version, served on this machine.

    Raises RemoteModelServer if the version uses a model server elsewhere and the profile does not
    consent to load it, FilesNeeded if it answers nothing without a file.
    """
    refuse_files(version)
    if not profile.allow_remote and (remote := remote_servers(version)):
        host = urlsplit(remote[0].base_url).hostname
        raise RemoteModelServer(server=remote[0].name, host=host)
    spec = spec_of(version).spec
    run = BenchRun.objects.create(
        project=version.project,
        version=version,
        label=f"{profile.label}, {profile.duration_s} s",
        profile=profile.model_dump(mode="json"),
        model=f"{spec.model.connection}/{spec.model.name}",
        collections=knowledge_of(version),
        created_by=by,
    )
    run.job = start_job(
        kind=RUN_TASK,
        target_id=run.pk,
        title=f"Load {version} with {profile.label}",
        owner=by,
        target_url=run.get_absolute_url(),
    )
    run.save(update_fields=["job"])
    return run


def refuse_without_role(job: Job) -> None:
    """Raises RoleMissing if the job's person may not start such a load run now."""
    row = BenchRun.objects.select_related("project__owner").filter(job=job).first()
    if row:
        require_role_still(job.owner, row.project, Act.PROVE)


def remote_servers(version: SpecVersion) -> list[ModelServer]:
    """The model servers of a version that do not run on this machine."""
    return [server for server in servers_of(version) if not is_this_machine(server.base_url)]


def dataset_prompts(dataset: Dataset) -> tuple[str, ...]:
    """The first questions of a dataset, as prompts."""
    return tuple(dataset.questions.values_list("text", flat=True)[:MAX_PROMPTS])


@transaction.atomic
def delete_run(run: BenchRun) -> None:
    """Delete a load run with its records and its job. Raises RunActive while it is at work."""
    if run.job and run.job.is_active:
        raise RunActive(title=run.job.title)
    job = run.job
    if run.records:
        run.records.delete(save=False)
    run.delete()
    if job:
        job.delete()


def clear_run(run: BenchRun) -> None:
    """Forget what an earlier attempt measured: a load run cannot be continued, only repeated."""
    run.resources.all().delete()
    if run.records:
        run.records.delete(save=False)
    run.summary, run.series, run.records = {}, {}, ""
    run.save(update_fields=["summary", "series", "records"])


def record_progress(
    run: BenchRun, *, summary: Mapping[str, Any], series: Mapping[str, Any]
) -> None:
    """Store what is known so far, for the page that watches."""
    BenchRun.objects.filter(pk=run.pk).update(summary=summary, series=series)


def record_resources(run: BenchRun, samples: Sequence[tuple[float, str, float, int]]) -> None:
    """Store (t_s, part, cpu_percent, rss_bytes)."""
    ResourceSample.objects.bulk_create(
        ResourceSample(run=run, t_s=round(t_s, 2), part=part, cpu_percent=cpu, rss_bytes=rss)
        for t_s, part, cpu, rss in samples
    )


def finish_run(
    run: BenchRun,
    *,
    summary: Mapping[str, Any],
    series: Mapping[str, Any],
    records: Iterable[Mapping[str, Any]],
) -> None:
    """Store the final figures and one line per request."""
    run.summary, run.series = dict(summary), dict(series)
    run.records.save("records.jsonl.gz", ContentFile(_lines(records)), save=False)
    run.save(update_fields=["summary", "series", "records"])


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as file:
        for record in records:
            file.write(orjson.dumps(record) + b"\n")
    return target.getvalue()
