from __future__ import annotations

import pytest

from apps.knowledge.models import Collection
from tests.apps.evaluations.cases import (  # noqa: F401 - fixtures
    dataset,
    indexed_collection,
    project,
    version,
)


@pytest.fixture
def collection(indexed_collection: Collection) -> Collection:  # noqa: F811 - the fixture
    """What engines search has to be there for real."""
    return indexed_collection
