"""What happens when a program that a test needs is not on this machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(program: str, install: str) -> NoReturn:
    """Fail the test by the program's name; skip it by name where STUDIO_TEST_OPTIONAL is set."""
    sentence = f"{program} is not on this machine and this test needs it: {install}."
    if os.environ.get("STUDIO_TEST_OPTIONAL"):
        pytest.skip(sentence)
    pytest.fail(sentence, pytrace=False)
