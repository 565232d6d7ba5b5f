from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.jobs.models import Job

Make = Callable[..., Job]


@pytest.fixture
def make_job(owner: User) -> Make:
    def make(**values: Any) -> Job:
        return Job.objects.create(
            **{"kind": "tests.work", "target_id": "1", "title": "Work", "owner": owner} | values
        )

    return make
