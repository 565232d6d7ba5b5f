"""Search in collections."""

from __future__ import annotations

from collections.abc import Iterable

from apps.knowledge.models import Collection
from apps.runtime.resources import Retriever


def retriever_for(collections: Iterable[Collection]) -> Retriever:
    raise NotImplementedError
