from __future__ import annotations

from tests.apps.chat.conftest import _forget, build, project, served, version

__all__ = ["_forget", "build", "project", "served", "version"]
