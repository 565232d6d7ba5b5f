"""The door from chat to whatever answers. Chat knows an opaque `app_key` and nothing behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from apps.runtime.events import Event
from apps.runtime.resources import RunRequest


@dataclass(frozen=True, slots=True)
class ChatApp:
    """What a chat page shows of the application behind a key.

    generates   False where no language model is connected: the page then says so
    sampling    the application's own parameter values, by name, as the per-message defaults
    """

    key: str
    title: str
    description: str = ""
    model: str = ""
    generates: bool = True
    sampling: dict[str, Any] | None = None
    starters: tuple[str, ...] = ()


class Gateway(Protocol):
    """Set by CHAT_GATEWAY, a dotted path to a class without constructor arguments."""

    def app_for(self, user: Any, app_key: str) -> ChatApp:
        """The application, if this user may talk to it. Raises AppNotFound otherwise. Sync, reads rows."""
        ...

    def prepare(self, user: Any, app_key: str) -> Any:
        """Everything `run` needs, read from rows in one go. Sync; called in the same thread hop as the
        chat's own queries."""
        ...

    def run(self, prepared: Any, request: RunRequest) -> AsyncIterator[Event]:
        """Run the application once. No row is read here."""
        ...
