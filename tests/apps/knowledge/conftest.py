from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.knowledge.indexes import indexes
from apps.knowledge.models import Collection
from apps.knowledge.services import Received, create_collection, receive

Files = Mapping[str, bytes]
Add = Callable[[Collection, Files], Received]


@pytest.fixture(autouse=True)
def _fresh_indexes() -> Iterator[None]:
    indexes.forget()
    yield
    indexes.forget()


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def collection(owner: User) -> Collection:
    return create_collection(owner=owner, name="handbook", title="Handbook")


@pytest.fixture
def add(django_capture_on_commit_callbacks: Any) -> Add:
    """`add(collection, {"a.md": b"…"})`: upload and index at once, as the owner."""

    def work(collection: Collection, files: Files) -> Received:
        with django_capture_on_commit_callbacks(execute=True):
            return receive(collection=collection, files=uploads(files).items(), by=collection.owner)

    return work


def uploads(files: Files) -> dict[str, SimpleUploadedFile]:
    return {
        name: SimpleUploadedFile(name.rpartition("/")[2], content)
        for name, content in files.items()
    }
