"""Datasets and evaluation runs: create, record, finish, delete."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from django.db import IntegrityError, transaction

from apps.evaluations.domain.catalogue import METRIC_IDS, metric_id, summarise
from apps.evaluations.domain.dataset_io import MAX_BYTES, ParsedDataset, parse_dataset
from apps.evaluations.domain.statistics import median
from apps.evaluations.domain.verdicts import Verdict
from apps.evaluations.errors import (
    DatasetNameTaken,
    DatasetRefused,
    ForeignDataset,
    RunActive,
    UnknownMetric,
)
from apps.evaluations.models import Dataset, EvalRun, Question, Sample
from apps.evaluations.words_only import refuse_files
from apps.jobs.models import Job
from apps.jobs.services import start_job
from apps.projects.enums import Act
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import collections_of, require_role_still, spec_of

if TYPE_CHECKING:
    from apps.accounts.models import User

RUN_TASK = "evaluations.run"
SAMPLE_FIELDS = (
    "answer", "citations", "passages", "metrics", "details", "verdict", "reason",
    "error_code", "error_message", "ttft_ms", "duration_ms",
)  # fmt: skip


class NamedFile(Protocol):
    """An upload, or any open binary file with a name."""

    name: str | None

    def read(self, size: int = -1, /) -> bytes: ...


def create_dataset(
    *, project: Project, name: str, file: NamedFile | BinaryIO, by: User | None
) -> Dataset:
    """Read a CSV, JSON Lines or JSON file of questions into rows.

    name: shown to people, unique in the project; empty takes the file's name.
    Raises DatasetRefused with findings by line, or DatasetNameTaken.
    """
    file_name = PurePath(file.name or "").name
    data = file.read(MAX_BYTES + 1)
    parsed = parse_dataset(data, file_name)
    if parsed.errors:
        raise DatasetRefused(file_name=file_name, findings=parsed.findings)
    name = (name.strip() or PurePath(file_name).stem or "Questions")[:120]
    try:
        return _insert(project, name, file_name, data, parsed, by)
    except IntegrityError as error:
        raise DatasetNameTaken(name=name) from error


@transaction.atomic
def delete_dataset(dataset: Dataset) -> None:
    """Delete a dataset with its runs. Raises RunActive while one of them is at work."""
    for run in dataset.runs.select_related("job"):
        _refuse_active(run)
    dataset.delete()


@transaction.atomic
def start_run(
    *,
    version: SpecVersion,
    dataset: Dataset,
    by: User,
    metrics: Sequence[str] = METRIC_IDS,
    k: int | None = None,
) -> EvalRun:
    """Queue an evaluation of one frozen version.

    metrics  ids of `domain.catalogue`; their order is the order of the report
    k        passages to retrieve per question; None takes the version's own
    Raises ForeignDataset, FilesNeeded or UnknownMetric.
    """
    if dataset.project_id != version.project_id:
        raise ForeignDataset(dataset=dataset.name, version=version)
    refuse_files(version)
    spec = spec_of(version).spec
    run = EvalRun.objects.create(
        project=version.project,
        version=version,
        dataset=dataset,
        metrics=_known(metrics),
        k=k or spec.knowledge.retrieve.k,
        model=f"{spec.model.connection}/{spec.model.name}",
        collections=knowledge_of(version),
        created_by=by,
    )
    run.job = start_job(
        kind=RUN_TASK,
        target_id=run.pk,
        title=f"Evaluate {version} on {dataset}",
        owner=by,
        target_url=run.get_absolute_url(),
    )
    run.save(update_fields=["job"])
    return run


def refuse_without_role(job: Job) -> None:
    """Raises RoleMissing if the job's person may not start such an evaluation now."""
    row = EvalRun.objects.select_related("project__owner").filter(job=job).first()
    if row:
        require_role_still(job.owner, row.project, Act.PROVE)


@transaction.atomic
def delete_run(run: EvalRun) -> None:
    """Delete a run with its samples and its job. Raises RunActive while it is at work."""
    _refuse_active(run)
    job = run.job
    run.delete()
    if job:
        job.delete()


def record_samples(
    *, run: EvalRun, samples: Sequence[Mapping[str, Any]], questions: Mapping[int, int]
) -> None:
    """Store judged samples; a sample that was stored before is replaced.

    questions: question id by ordinal.
    """
    Sample.objects.bulk_create(
        [
            Sample(
                run=run,
                ordinal=sample["ordinal"],
                question_id=questions[sample["ordinal"]],
                **{name: sample[name] for name in SAMPLE_FIELDS},
            )
            for sample in samples
        ],
        update_conflicts=True,
        unique_fields=["run", "ordinal"],
        update_fields=list(SAMPLE_FIELDS),
    )


def finish_run(run: EvalRun) -> EvalRun:
    """Sum up what the samples say; also for a run that ended early."""
    rows = list(run.samples.values_list("metrics", "verdict", "duration_ms", "ttft_ms", "details"))
    estimates = summarise([row[0] for row in rows], run.metrics, run.seed)
    run.summary = {name: estimate.as_dict() for name, estimate in estimates.items()} | {
        "verdicts": dict(Counter(row[1] for row in rows)),
        "samples": len(rows),
        "errors": sum(row[1] == Verdict.ERROR for row in rows),
        "duration_p50_ms": median([row[2] for row in rows if row[2] is not None]),
        "ttft_p50_ms": median([row[3] for row in rows if row[3] is not None]),
        "unsupported": sum(bool(row[4].get("unsupported")) for row in rows),
    }
    run.save(update_fields=["summary"])
    return run


def knowledge_of(version: SpecVersion) -> list[dict[str, Any]]:
    """Names and revisions of a version's collections as they are now."""
    return [
        {"name": row.name, "title": row.title, "revision": row.revision}
        for row in collections_of(version)
    ]


@transaction.atomic
def _insert(
    project: Project,
    name: str,
    file_name: str,
    data: bytes,
    parsed: ParsedDataset,
    by: User | None,
) -> Dataset:
    dataset = Dataset.objects.create(
        project=project,
        name=name,
        file_name=file_name[:200],
        format=parsed.format,
        sha256=hashlib.sha256(data).hexdigest(),
        question_count=len(parsed.questions),
        with_references=sum(bool(item.references) for item in parsed.questions),
        with_targets=sum(bool(item.relevant or item.evidence) for item in parsed.questions),
        findings=[item.as_dict() for item in parsed.findings],
        created_by=by,
    )
    Question.objects.bulk_create(
        (
            Question(
                dataset=dataset,
                ordinal=ordinal,
                line=item.line,
                text=item.text,
                references=list(item.references),
                relevant=list(item.relevant),
                evidence=list(item.evidence),
            )
            for ordinal, item in enumerate(parsed.questions, start=1)
        ),
        batch_size=500,
    )
    return dataset


def _known(metrics: Sequence[str]) -> list[str]:
    known = []
    for name in metrics:
        if (found := metric_id(name)) is None:
            raise UnknownMetric(name=name, known=", ".join(METRIC_IDS))
        known.append(found)
    return list(dict.fromkeys(known))


def _refuse_active(run: EvalRun) -> None:
    job: Job | None = run.job
    if job and job.is_active:
        raise RunActive(title=job.title)
