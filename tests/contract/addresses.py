"""Every address of the studio, and one of everything that addresses can name, all the owner's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.benchmarks.models import BenchRun
from apps.chat.models import ChatAttachment, ChatMessage, ChatSession
from apps.chat.services import ask
from apps.connections.services import create_endpoint
from apps.evaluations.models import Dataset, EvalRun
from apps.jobs.models import Job
from apps.knowledge.models import Chunk, Collection, Document, StoreCopy
from apps.packages.domain.options import options_for
from apps.packages.models import PackageExport
from apps.projects.enums import Role, Verb
from apps.projects.models import Membership, Project, ProjectEvent, SpecVersion
from apps.projects.queries import spec_of
from tests.apps.benchmarks.conftest import make_bench
from tests.apps.chat.conftest import CITATIONS
from tests.apps.evaluations.cases import collection, dataset, make_run, project, version

__all__ = ["collection", "dataset", "make_bench", "make_run", "project", "rows", "version"]

MARK = "Zebrafish"
"""In the name of everything that the owner has; nobody else may ever read it."""

API = ("api:", "openai:", "chat:api_")
"""Programs come with a token and are answered 401 instead of being sent to the login page."""

QUERY = {
    "chat:index": "?app={model}",
    "chat:older": "?before=9",
    "chat:sessions": "?app={model}",
}


@dataclass(frozen=True)
class Address:
    name: str
    arguments: tuple[str, ...]
    head: str

    @property
    def for_programs(self) -> bool:
        return self.name.startswith(API)


def addresses() -> Iterator[Address]:
    """Every named address; of two with one name, each with its own arguments."""

    def walk(patterns: list[Any], namespace: str) -> Iterator[Address]:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                if pattern.name and namespace:
                    names = tuple(pattern.pattern.converters)
                    head = str(pattern.pattern).partition("/")[0]
                    yield Address(f"{namespace}:{pattern.name}", names, head)
            else:
                yield from walk(pattern.url_patterns, pattern.namespace or namespace)

    yield from walk(get_resolver().url_patterns, "")


@pytest.fixture
def rows(
    owner: User,
    version: SpecVersion,
    dataset: Dataset,
    make_run: Callable[..., EvalRun],
    make_bench: Callable[..., BenchRun],
) -> dict[str, Any]:
    """One of everything, all the owner's: the value of each argument by its name."""
    project = version.project
    Project.objects.filter(pk=project.pk).update(title=MARK)
    Collection.objects.update(title=MARK, description=MARK)
    document = Document.objects.get(name="refunds.md")
    document.file.save("x", ContentFile(MARK.encode()), save=True)
    Document.objects.filter(pk=document.pk).update(name=f"{MARK}.md")
    Dataset.objects.update(name=MARK)
    endpoint = create_endpoint(
        owner=owner, title=MARK, name="fake", base_url="http://127.0.0.1:9/v1"
    )
    copy = StoreCopy.objects.create(
        collection_id=document.collection_id,
        title=MARK,
        owner=owner,
        connection="fake",
        kind="qdrant",
        address_key="0" * 64,
    )
    run, bench = make_run(version), make_bench(version)
    Job.objects.update(title=MARK, log=MARK)
    export = PackageExport.objects.create(
        project=project,
        version=version,
        job=run.job,
        created_by=owner,
        options=options_for(spec_of(version).spec.deployment).as_dict(),
    )
    export.file.save("x", ContentFile(MARK.encode()), save=True)
    session = ChatSession.objects.create(owner=owner, app_key=version.app_key, title=MARK)
    _, message = ask(session=session, text=MARK)
    ChatMessage.objects.filter(pk=message.pk).update(
        status="complete", content=f"{MARK} [1]", citations=CITATIONS, trace=[]
    )
    attachment = ChatAttachment.objects.create(
        message=message, kind="image", mime="image/png", name=MARK, size_bytes=len(MARK)
    )
    attachment.file.save("x", ContentFile(MARK.encode()), save=True)
    token, _ = create_token(owner, MARK)
    viewer = User.objects.create_user("viewer")
    membership = Membership.objects.create(project=project, user=viewer, role=Role.VIEWER)
    event = ProjectEvent.objects.create(
        project=project, actor=owner, verb=Verb.EDITED, document=MARK, at=timezone.now()
    )
    return {
        "project_id": project.pk,
        "number": 1,
        "step": "model",
        "sample_id": "picture-reader",
        "name": "receipt.png",
        "kind": "json",
        "collection_id": Collection.objects.get().pk,
        "document_id": document.pk,
        "copy_id": copy.pk,
        "chunk_id": Chunk.objects.filter(document=document).get().pk,
        "dataset_id": dataset.pk,
        "run_id": run.pk,
        "ordinal": 1,
        "endpoint_id": endpoint.pk,
        "job_id": run.job_id,
        "export_id": export.pk,
        "session_id": session.pk,
        "message_id": message.pk,
        "attachment_id": attachment.pk,
        "token_id": token.pk,
        "person_id": owner.pk,
        "membership_id": membership.pk,
        "event_id": event.pk,
        "model": version.app_key,
        "projects": project.pk,
        "datasets": dataset.pk,
        "evaluations": run.pk,
        "benchmarks": bench.pk,
        "packages": export.pk,
        "collections": Collection.objects.get().pk,
        "documents": document.pk,
        "connections": endpoint.pk,
        "jobs": run.job_id,
        "bench": bench.pk,
        "version": version.pk,
    }


def url_of(address: Address, rows: dict[str, Any]) -> str:
    values = {
        name: rows[address.head] if name == "pk" else rows[name] for name in address.arguments
    }
    if address.name.startswith("benchmarks:") and "run_id" in values:
        values["run_id"] = rows["bench"]
    return reverse(address.name, kwargs=values) + QUERY.get(address.name, "").format(**rows)
