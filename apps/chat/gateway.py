"""The door from chat to whatever answers. Chat knows an opaque `app_key` and nothing behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from apps.chat.errors import AppNotFound
from apps.runtime.events import Event
from apps.runtime.resources import RunRequest


@dataclass(frozen=True, slots=True)
class ChatApp:
    """What a chat page shows of the application behind a key.

    name        what `model` may say instead of the key at /v1; empty: the key alone
    generates   False where no language model is connected: the page then says so
    sampling    the application's own parameter values, by name, as the per-message defaults
    page_url    the page that shows conversations with it as `?session=<id>`; empty: the chat's own
    traces      whether people see what each step of an answer did
    application  the kind of application, as the catalog names it
    takes       kinds of media that a question may come with: image, audio, document
    speaks      whether answers come with sound
    fields      what a question may say beside its words ("target"), with the application's own values
    enclosed    of some starters, the address of a file that goes along
    placeholder  what the empty field for questions says; empty: what suits the kind of application
    """

    key: str
    title: str
    description: str = ""
    model: str = ""
    generates: bool = True
    sampling: dict[str, Any] | None = None
    starters: tuple[str, ...] = ()
    enclosed: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    page_url: str = ""
    traces: bool = False
    application: str = ""
    takes: tuple[str, ...] = ()
    speaks: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    placeholder: str = ""


class Gateway(Protocol):
    """Set by CHAT_GATEWAY, a dotted path to a class without constructor arguments."""

    def apps_for(self, user: Any) -> Sequence[ChatApp]:
        """Every application this user may talk to, the default one first. Sync, reads rows."""
        ...

    def app_for(self, user: Any, app_key: str) -> ChatApp:
        """The application, if this user may talk to it. Raises AppNotFound otherwise. Sync, reads rows."""
        ...

    def prepare(self, user: Any, app_key: str) -> Any:
        """Everything `run` needs, read from rows in one go. Sync; called in the same thread hop as the
        chat's own queries. Raises AppNotFound as `app_for` does, or another StudioError."""
        ...

    def run(self, prepared: Any, request: RunRequest) -> AsyncIterator[Event]:
        """Run the application once. No row is read here. Closing the iterator closes the upstream."""
        ...


def gateway() -> Gateway:
    return _gateway(settings.CHAT_GATEWAY)


@cache
def _gateway(path: str) -> Gateway:
    built: Gateway = import_string(path)()
    return built


def find_app(user: Any, model: str) -> ChatApp:
    """The application that an API calls by key or by name. Raises AppNotFound."""
    try:
        return gateway().app_for(user, model)
    except AppNotFound:
        for app in gateway().apps_for(user):
            if app.name == model:
                return app
        raise
