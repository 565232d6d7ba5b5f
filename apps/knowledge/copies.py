"""The jobs that keep vector stores as the rows are: sent after a change, removed after a deletion."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from apps.jobs.enums import ACTIVE
from apps.jobs.models import Job
from apps.jobs.services import start_job
from apps.knowledge import following
from apps.knowledge.models import Collection, StoreCopy
from apps.runtime.errors import StudioError, UserFault
from apps.runtime.resources import ModelServer

log = structlog.get_logger(__name__)

FOLLOW = "knowledge.follow"
GONE = "connections.unknown"
"""What the lookup says of a connection that was deleted."""
POLL_S = 0.1


def server_of(copy: StoreCopy) -> ModelServer | None:
    """The store that a copy is in; None if its connection is gone or leads elsewhere, as nobody holds
    the key of that store any more. Raises what the connection's lookup raises."""
    try:
        server: ModelServer = import_string(settings.KNOWLEDGE_SERVERS)(copy.owner, copy.connection)
    except UserFault as error:
        if error.code != GONE:
            raise
        return None
    return server if following.address_key(server) == copy.address_key else None


def place(*, collection: Collection, server: ModelServer) -> StoreCopy:
    """Have a collection's vectors in this store from now on; a job sends them."""
    copy = following.copy_of(collection, server)
    if copy.revision != collection.revision:
        start_following(copy)
    return copy


@transaction.atomic
def start_following(copy: StoreCopy) -> Job:
    """The job that sends what is missing: the one that runs or waits already, or a new one."""
    row = StoreCopy.objects.select_for_update(of=("self",)).get(pk=copy.pk)
    running = Job.objects.filter(
        pk__in=[row.job_id] if row.job_id else [], status__in=ACTIVE, cancel_requested=False
    ).first()
    if running:
        return running
    collection = Collection.objects.filter(pk=row.collection_id).first()
    words = f"Send “{row.title}” to {row.connection}"
    if collection is None:
        words = f"Remove “{row.title}” from {row.connection}"
    job = start_job(
        kind=FOLLOW,
        target_id=row.pk,
        title=words[:200],
        owner=row.owner,
        target_url=collection.get_absolute_url() if collection else "",
    )
    StoreCopy.objects.filter(pk=row.pk).update(job=job)
    return job


def changed(collection_id: UUID) -> None:
    """After a commit: the stores that have this collection follow it, or forget it with it."""
    for copy in StoreCopy.objects.filter(collection_id=collection_id):
        start_following(copy)


def leave(copy: StoreCopy) -> None:
    """Take the vectors out of the store; an application that still searches there sends them again.

    Where the connection is gone or leads elsewhere, the copy is forgotten and its vectors stay behind.
    Raises ServiceFault.
    """
    server = server_of(copy)
    if server is None:
        copy.delete()
    else:
        following.remove_copy(copy, server)


def wait_for(copy: StoreCopy, timeout_s: float) -> bool:
    """Whether somebody else's writing to the copy has ended in that time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        copy.refresh_from_db()
        if copy.busy_until is None:
            return True
        time.sleep(POLL_S)
    return False


def bring_up_to_date(
    copy: StoreCopy, *, progress: following.Progress, check: Callable[[], None]
) -> None:
    """The work of a job: again and again until nothing has changed meanwhile. Raises StudioError."""
    server = server_of(copy)
    if server is None:
        log.warning("knowledge.store-left-behind", collection=str(copy.collection_id))
        copy.delete()
        return
    remove_leftovers(server, but=copy)
    while (revision := _revision(copy)) is not None:
        try:
            following.follow(copy, server, progress=progress, check=check)
        except following.Busy:
            check()
            time.sleep(POLL_S)
        except StudioError as error:
            StoreCopy.objects.filter(pk=copy.pk).update(error=str(error))
            raise
        if copy.revision >= revision and copy.revision == _revision(copy):
            return
        copy.refresh_from_db()
    following.remove_copy(copy, server)


def _revision(copy: StoreCopy) -> int | None:
    """The collection's, None once it is deleted."""
    rows = Collection.objects.filter(pk=copy.collection_id)
    return rows.values_list("revision", flat=True).first()


def remove_leftovers(server: ModelServer, but: StoreCopy) -> None:
    """Vectors of collections that were deleted while this store was not there."""
    rows = StoreCopy.objects.filter(address_key=following.address_key(server)).exclude(pk=but.pk)
    for copy in rows.exclude(collection_id__in=Collection.objects.values("pk")):
        following.remove_copy(copy, server)
        log.info("knowledge.store-leftover-removed", collection=str(copy.collection_id))
