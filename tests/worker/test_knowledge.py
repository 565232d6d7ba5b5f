"""Indexing as it really runs: engine and reader processes, both modes of background work, faults."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.jobs import services as jobs
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.knowledge.domain import limits
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.services import (
    create_collection,
    delete_collection,
    receive,
    remove_document,
    retry_documents,
)
from tests.data import documents
from tests.servers import celery_worker
from tests.servers.ports import wait_until
from worker.engines.ingest import reader_events
from worker.tasks import knowledge as task

LONG = "".join(f"Sentence {n} of the long text says a little more. " for n in range(6_500)).encode()
"""About 400 passages, more than one window: some seconds of embedding."""


@pytest.fixture
def collection(transactional_db: None, owner: User) -> Collection:
    return create_collection(owner=owner, name="handbook", title="Handbook")


def upload(collection: Collection, **files: bytes) -> Job:
    named = [
        (name.replace("_", "."), SimpleUploadedFile("x", content))
        for name, content in files.items()
    ]
    job = receive(collection=collection, files=named, by=collection.owner).job
    assert job
    return job


def whole(document: Document) -> bool:
    """Whether a READY document has every chunk it says, in order, each an exact slice."""
    rows = list(Chunk.objects.filter(document=document).order_by("ordinal"))
    return [row.ordinal for row in rows] == list(range(document.chunk_count))


def test_files_are_indexed_in_both_modes(
    job_mode: str, collection: Collection, finished: Callable[..., Job]
) -> None:
    job = finished(
        upload(collection, a_md=b"# A\n\nThirty days.", b_pdf=b"no pdf", c_txt=b"Other words."), 90
    )
    assert job.status == JobStatus.SUCCEEDED
    assert dict(Document.objects.values_list("name", "status")) == {
        "a.md": "ready",
        "b.pdf": "refused",
        "c.txt": "ready",
    }
    assert all(whole(row) for row in Document.objects.filter(status="ready"))


def test_cancel_stops_and_retry_goes_on_where_it_was(
    job_mode: str, collection: Collection, finished: Callable[..., Job]
) -> None:
    job = upload(collection, long_txt=LONG, short_txt=b"Short.")
    wait_until(Chunk.objects.exists, what="no chunk was stored", timeout_s=60)
    jobs.cancel_job(job)
    assert finished(job).status == JobStatus.CANCELLED
    wait_until(lambda: not engines(), what="the engine outlived its job", timeout_s=10)
    stored = Chunk.objects.count()
    document = Document.objects.get(name="long.txt")
    assert (document.status, document.error_code) == ("failed", "knowledge.cancelled")
    first = Chunk.objects.order_by("ordinal").first()
    jobs.retry_job(job)
    assert finished(job, 120).status == JobStatus.SUCCEEDED
    document.refresh_from_db()
    assert whole(document)
    assert document.chunk_count > stored > 0
    assert Chunk.objects.filter(pk=first.pk).exists()  # not made twice


@pytest.fixture
def own_worker(
    transactional_db: None, settings: Any, redis_server: Any
) -> Iterator[Callable[[], celery_worker.CeleryWorker]]:
    """Starts Celery workers that only this test talks to, to be killed."""
    from studio.celery import app
    from tests.conftest import database_url

    settings.JOBS_MODE = "broker"
    before = app.conf.broker_url
    url = f"{redis_server.url.rpartition('/')[0]}/7"
    settings.CELERY_BROKER_URL = app.conf.broker_url = url
    app.amqp._producer_pool = None
    started: list[celery_worker.CeleryWorker] = []

    def start() -> celery_worker.CeleryWorker:
        log = (
            Path(django_settings.DATA_DIR)
            / f"own-{len(started)}-{os.getpid()}-{time.time_ns()}.log"
        )
        started.append(celery_worker.start(broker_url=url, database_url=database_url(), log=log))
        return started[-1]

    yield start
    for worker in started:
        worker.stop()
    app.conf.broker_url = before
    app.amqp._producer_pool = None


def test_worker_killed_in_the_middle_is_noticed_and_goes_on(
    own_worker: Callable[[], celery_worker.CeleryWorker],
    collection: Collection,
    finished: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "STALE_AFTER_S", 4.0)
    worker = own_worker()
    job = upload(collection, long_txt=LONG, short_txt=b"Short.")
    wait_until(Chunk.objects.exists, what="no chunk was stored", timeout_s=60)
    worker.kill()
    wait_until(lambda: not engines(), what="the engine outlived its worker", timeout_s=10)
    stored = Chunk.objects.count()
    assert not Document.objects.filter(name="long.txt", status="ready").exists()
    wait_until(lambda: jobs.mark_stale() == 1, what="nobody noticed", timeout_s=15)
    job.refresh_from_db()
    assert (job.status, job.is_retryable) == (JobStatus.INTERRUPTED, True)
    ids = set(Chunk.objects.values_list("pk", flat=True))
    own_worker()
    jobs.retry_job(job)
    assert finished(job, 120).status == JobStatus.SUCCEEDED
    assert all(whole(row) for row in Document.objects.all())
    assert Chunk.objects.count() > stored
    assert ids <= set(Chunk.objects.values_list("pk", flat=True))


def test_message_delivered_twice_is_done_once(
    broker_jobs: Any, collection: Collection, finished: Callable[..., Job]
) -> None:
    from apps.jobs.dispatch import enqueue

    job = upload(collection, a_md=b"one")
    enqueue(job.kind, job.pk)
    enqueue(job.kind, job.pk)
    assert finished(job, 60).status == JobStatus.SUCCEEDED
    time.sleep(1)
    job.refresh_from_db()
    assert (job.attempt, job.status) == (1, JobStatus.SUCCEEDED)
    assert Chunk.objects.count() == 1


def test_files_uploaded_while_the_job_runs_are_in_it(
    embedded_jobs: None, collection: Collection, finished: Callable[..., Job]
) -> None:
    job = upload(collection, long_txt=LONG)
    wait_until(Chunk.objects.exists, what="no chunk was stored", timeout_s=60)
    assert upload(collection, b_md=b"two") == job
    assert finished(job, 120).status == JobStatus.SUCCEEDED
    assert set(Document.objects.values_list("status", flat=True)) == {"ready"}


def test_document_removed_and_collection_deleted_while_indexed(
    embedded_jobs: None, collection: Collection, finished: Callable[..., Job]
) -> None:
    job = upload(collection, long_txt=LONG, b_md=b"two")
    wait_until(Chunk.objects.exists, what="no chunk was stored", timeout_s=60)
    remove_document(document=Document.objects.get(name="long.txt"))
    delete_collection(collection=collection)
    assert finished(job, 60).status == JobStatus.CANCELLED
    assert not Chunk.objects.exists()


def test_retry_takes_up_what_an_ended_job_left(
    transactional_db: None, settings: Any, collection: Collection
) -> None:
    settings.JOBS_MODE = "broker"  # nobody takes it
    job = Job.objects.create(kind="knowledge.ingest", owner=collection.owner, status="failed")
    Document.objects.create(
        collection=collection, name="a.md", size_bytes=1, job=job, status="indexing", file="x"
    )
    settings.JOBS_MODE = "eager"
    again = retry_documents(collection=collection, by=collection.owner)
    again.refresh_from_db()
    assert again.status == JobStatus.SUCCEEDED
    document = Document.objects.get()
    assert (document.status, document.error_code) == ("failed", "knowledge.file-unreadable")


def test_engine_that_goes_silent_is_ended(
    transactional_db: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "STALL_S", 0.2)
    job = upload(collection, a_md=b"one")
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "knowledge.engine-stalled")
    assert Document.objects.get().error_code == "knowledge.engine-stalled"


def test_full_disk_is_said_and_nothing_is_half_there(
    transactional_db: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from apps.knowledge import indexing

    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(indexing, "record", full)
    job = upload(collection, a_md=b"one")
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "knowledge.disk-full")
    assert "Free some space" in job.error_message
    assert not Chunk.objects.exists()
    monkeypatch.undo()
    jobs.retry_job(job)
    assert Document.objects.get().status == "ready"


def read_all(files: dict[str, bytes], folder: Path, **limit: int) -> dict[str, dict[str, Any]]:
    """The closing event of each file, by name."""
    named = []
    for number, (name, content) in enumerate(files.items()):
        path = folder / str(number)
        path.write_bytes(content)
        named.append({"id": name, "path": str(path), "name": name, "skip": 0})
    plan = {"documents": named, "chunk": {"size": 800, "overlap": 100}, "limits": limit}
    closing = {"done", "refused", "failed"}
    return {event["id"]: event for event in reader_events(plan) if event["type"] in closing}


def test_file_that_ends_the_reader_fails_alone(tmp_path: Path) -> None:
    table = documents.workbook({"A": [["x" * 50] * 20] * 30_000})
    events = read_all({"a.md": b"one", "big.xlsx": table, "b.md": b"two"}, tmp_path, cpu_s=1)
    assert [events[name]["type"] for name in ("a.md", "big.xlsx", "b.md")] == [
        "done",
        "failed",
        "done",
    ]
    assert events["big.xlsx"]["code"] == "knowledge.reading-timed-out"


def test_file_that_takes_all_memory_fails_alone(tmp_path: Path) -> None:
    slide = (
        b"<p:sld xmlns:p='p' xmlns:a='a'>"
        + b"<a:p><a:r><a:t>x</a:t></a:r></a:p>" * 1_500_000
        + b"</p:sld>"
    )
    deck = documents.with_member(documents.deck([("T", "b", "")]), "ppt/slides/slide1.xml", slide)
    events = read_all(
        {"a.md": b"one", "big.pptx": deck, "b.md": b"two"}, tmp_path, address_space=600 * limits.MIB
    )
    assert events["big.pptx"]["type"] in {"failed", "refused"}
    assert [events[name]["type"] for name in ("a.md", "b.md")] == ["done", "done"]


def test_reader_killed_from_outside_costs_one_file(tmp_path: Path) -> None:
    files = {"a.md": b"one", "b.txt": LONG * 20, "c.md": b"two"}
    events = []
    path = tmp_path / "f"
    named = []
    for number, (name, content) in enumerate(files.items()):
        (path.parent / str(number)).write_bytes(content)
        named.append({"id": name, "path": str(path.parent / str(number)), "name": name, "skip": 0})
    plan = {"documents": named, "chunk": {"size": 800, "overlap": 100}}
    killed = False
    for event in reader_events(plan):
        if event["type"] == "chunks" and event["id"] == "b.txt" and not killed:
            killed = True
            for child in psutil.Process().children():
                if "apps.knowledge.domain.reader" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGKILL)
        if event["type"] in {"done", "failed"}:
            events.append((event["id"], event["type"], event.get("code")))
    assert events == [
        ("a.md", "done", None),
        ("b.txt", "failed", "knowledge.reading-crashed"),
        ("c.md", "done", None),
    ]


def engines() -> list[psutil.Process]:
    """Engine and reader processes of ingestion on this machine that were started from this checkout's tests."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = " ".join(process.info["cmdline"] or [])
        if "worker.engines.ingest" in line and _ours(process):
            found.append(process)
    return found


def _ours(process: psutil.Process) -> bool:
    """Other sessions on this machine have engines too; ours write under this session's data folder."""
    try:
        return os.environ["STUDIO_MODEL_CACHE"] in process.environ().get(
            "STUDIO_MODEL_CACHE", ""
        ) and (process.ppid() == 1 or _session() in {p.pid for p in process.parents()})
    except psutil.Error:
        return False


def _session() -> int:
    return os.getpid()
