from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.container.sandbox import Tried, try_in_sandbox
from tests.e2e.browser import launch

HERE = Path(__file__).parent
# Playwright keeps an event loop in this thread, which nothing of Django's runs on.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.container)
            item.add_marker(pytest.mark.timeout(1800))
            item.add_marker(pytest.mark.django_db)  # the test database is made only for such items


@pytest.fixture(scope="session")
def engine() -> None:
    done = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if done.returncode:
        pytest.fail("There is no container engine here. Start Docker and run again.")


@pytest.fixture(scope="session")
def tried(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tried]:
    """The project in the studio; its rows stay for the whole session."""
    with django_db_blocker.unblock():
        made = try_in_sandbox()
        yield made
        made.owner.delete()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()
