"""Brings a document of an older spec version to the newest, one pure step per version.

A step takes the plain document of its version and returns that of the next; it must set the next
`apiVersion`. Each step has golden files under tests/apps/projects/golden/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.projects.domain.spec import API_VERSION
from apps.projects.errors import VersionUnknown

Document = dict[str, Any]
Step = Callable[[Document], Document]

STEPS: Mapping[str, Step] = {}
"""From version to the step that leaves it. v1 is the first, so there is none yet."""


def upgrade(
    document: Document, *, steps: Mapping[str, Step] = STEPS, latest: str = API_VERSION
) -> Document:
    """The document at the latest version; itself if it is there already.

    Raises VersionUnknown if no chain of steps leads from its version to the latest.
    """
    seen: set[str] = set()
    while (version := document.get("apiVersion")) != latest:
        if not isinstance(version, str) or version in seen or version not in steps:
            raise VersionUnknown(version=version, latest=latest)
        seen.add(version)
        document = steps[version](document)
    return document
