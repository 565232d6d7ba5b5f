"""Evaluations and load runs send words alone. What that means for an application that takes files."""

from __future__ import annotations

from typing import Final

from apps.evaluations.errors import FilesNeeded
from apps.projects.models import SpecVersion
from apps.runtime.graph import Graph
from apps.runtime.traits import traits_of

FILES: Final = {"image": "pictures", "audio": "recordings", "document": "documents"}
ONE: Final = {"image": "a picture", "audio": "a recording", "document": "a document"}


def refuse_files(version: SpecVersion) -> None:
    """Raises FilesNeeded for a version that answers no question without a file."""
    needs = traits_of(Graph.model_validate(version.graph)).needs
    if needs:
        raise FilesNeeded(version=version, what=" and ".join(ONE[kind] for kind in needs))


def words_only(version: SpecVersion | None) -> str:
    """What a person should know before a run of this version; "" where there is nothing to say."""
    if version is None:
        return ""
    traits = traits_of(Graph.model_validate(version.graph))
    if traits.needs:
        return str(
            FilesNeeded(version=version, what=" and ".join(ONE[kind] for kind in traits.needs))
        )
    if not traits.takes:
        return ""
    files = " and ".join(FILES[kind] for kind in traits.takes)
    return (
        f"Version {version} takes {files}, too. A run sends words alone, so its figures say nothing about "
        f"questions that come with {files}."
    )
