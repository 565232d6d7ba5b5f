"""Collections as folders: what engines and packages search without a database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from apps.knowledge.models import Collection

if TYPE_CHECKING:
    from apps.accounts.models import User


def export_snapshot(collections: Iterable[Collection], path: Path) -> Path:
    raise NotImplementedError


def import_snapshot(path: Path, owner: User, name: str, title: str) -> Collection:
    raise NotImplementedError
