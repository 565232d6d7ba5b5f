"""What a job takes up, and in which order."""

from __future__ import annotations

from apps.jobs.models import Job
from apps.knowledge.indexing import claim_documents
from apps.knowledge.models import Collection
from apps.knowledge.services import receive
from tests.apps.knowledge.conftest import uploads


def claimed(collection: Collection, job: Job, limit: int) -> list[str]:
    return [item.document.name for item in claim_documents(collection, job, limit)]


def test_small_files_do_not_wait_for_a_large_one(collection: Collection) -> None:
    files = {"large.txt": b"word " * 9_000, "b.md": b"two words", "a.md": b"two words"}
    received = receive(collection=collection, files=uploads(files).items(), by=collection.owner)
    assert received.job

    assert claimed(collection, received.job, 2) == ["b.md", "a.md"]
    assert claimed(collection, received.job, 9) == ["b.md", "a.md", "large.txt"]


def test_what_a_dead_job_left_is_taken_up(collection: Collection) -> None:
    received = receive(
        collection=collection, files=uploads({"a.md": b"words"}).items(), by=collection.owner
    )
    assert received.job
    claimed(collection, received.job, 9)
    Job.objects.filter(pk=received.job.pk).update(status="failed")
    other = Job.objects.create(kind="knowledge.ingest", owner=collection.owner, status="running")

    assert claimed(collection, other, 9) == ["a.md"]
    assert claimed(collection, Job.objects.create(kind="x", owner=collection.owner), 9) == []
