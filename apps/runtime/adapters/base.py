"""What an adapter is: checked parameters and a step that yields events and leaves outputs behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict

from apps.runtime.errors import UserFault
from apps.runtime.events import Event, Notice
from apps.runtime.ports import Reply
from apps.runtime.resources import ModelServer, Resources, RunRequest, Turn


class ConnectionMissing(UserFault):
    code = "run.connection-missing"
    sentence = (
        "The connection {name} does not exist any more. Choose another model and build again."
    )


class Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParams(Params):
    pass


P = TypeVar("P", bound=Params)


@dataclass(slots=True)
class Step:
    """One node of one run.

    inputs    port -> value; ports that nothing feeds, or whose branch was not taken, are absent
    heard     the node whose words the reader has seen so far, "" for none
    outputs   what the step leaves: port -> value; a port left out closes the branch behind it
    noted     what the trace shows of the outputs
    notices   what went wrong and does not keep the answer from its reader
    along     what this step has done while the answer was still being written
    ends      set it to end the whole run with this reply (a guardrail that says no)
    """

    node: str
    params: Params
    inputs: Mapping[str, Any]
    request: RunRequest
    resources: Resources
    heard: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    """port -> the node that feeds it"""
    outputs: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    along: Along | None = None
    ends: Reply | None = None

    @property
    def history(self) -> tuple[Turn, ...]:
        return cast("tuple[Turn, ...]", self.inputs.get("history", ()))

    def given(self, kind: type[P]) -> P:
        """The parameters, as the adapter's own model."""
        return cast("P", self.params)

    def server(self, name: str) -> ModelServer:
        """Raises ConnectionMissing."""
        try:
            return self.resources.servers[name]
        except KeyError:
            raise ConnectionMissing(name=name) from None


class Along(Protocol):
    """Work of a step that begins while the answer which it waits for is still being written."""

    def feed(self, text: str) -> None:
        """The next words that the reader was shown."""
        ...

    def events(self) -> list[Event]:
        """What came of it since the last time."""
        ...

    async def close(self) -> None:
        """Nobody needs it any more: end what is under way."""
        ...


class Screen(Protocol):
    """Stands between an answer that is being written and whoever reads it."""

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now, after what was shown before."""
        ...

    def end(self) -> str:
        """What is left once the answer is whole."""
        ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """id: as graphs name it. speaks: its tokens may be the reply that people read."""

    id: str
    run: Callable[[Step], AsyncIterator[Event]]
    params: type[Params] = NoParams
    speaks: bool = False
    passes: bool = False
    """Hands on the words of what feeds it, so that those may stream (a join)."""
    screen: Callable[[Params], Screen] | None = None
    """Of one that passes words on: what they go through on their way. It may also hold them back and
    speak itself once it has run."""
    along: Callable[[Step], Along] | None = None
    """Begins its work on words that are still being written. What it is given has no inputs yet."""
    fields: tuple[str, ...] = ()
    """Of a request's fields those that it heeds; a parameter of that name is the default."""
    ignores: frozenset[str] = frozenset()
    """Parameters that its component has and that change nothing here, so that people can be told."""
    most: Mapping[str, float] = field(default_factory=dict)
    """Of parameters that what it asks takes only so much of."""
    needs: str = ""
    """An input that is optional in its component, as a conversation may have it already, and without which
    a first question has no answer."""
    names_field: str = ""
    """The parameter, if there is one, that names one more of them."""
