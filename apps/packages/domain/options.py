"""What a person may choose for one export. Starts from the project's own deployment section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from apps.packages.errors import FormatUnavailable, OptionRefused
from apps.projects.domain.spec import Deployment, PackageFormat

Topology = Literal["single", "cluster"]
Include = Literal["index", "documents", "none"]
FORMATS: tuple[str, ...] = get_args(PackageFormat)
TOPOLOGIES: tuple[str, ...] = get_args(Topology)
INCLUDES: tuple[str, ...] = get_args(Include)


@dataclass(frozen=True)
class Options:
    """include   what of the knowledge travels: a ready index, the documents, or nothing
    servers   known addresses of model servers by name, as defaults in .env.example; never a key
    kinds     what each of them speaks, "openai" where it is left out
    """

    formats: tuple[str, ...] = FORMATS
    topology: str = "single"
    include: str = "index"
    port: int = 8080
    servers: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "formats": list(self.formats), "servers": dict(self.servers)}


def options_for(deployment: Deployment, **chosen: Any) -> Options:
    """The deployment section's values, replaced by those that were chosen (None: not chosen).

    Raises FormatUnavailable for a format of another release and OptionRefused for a value that is
    not one of the option's.
    """
    values: dict[str, Any] = {
        "formats": deployment.formats,
        "topology": deployment.topology,
        "include": deployment.knowledge.include,
        "port": deployment.port,
    }
    values |= {name: value for name, value in chosen.items() if value is not None}
    options = Options(**{**values, "formats": tuple(values["formats"])})
    for name in options.formats:
        if name not in FORMATS:
            raise FormatUnavailable(name=name, available=", ".join(FORMATS))
    if not options.formats:
        raise OptionRefused(option="formats", reason="choose at least one")
    _one_of("topology", options.topology, TOPOLOGIES)
    _one_of("knowledge", options.include, INCLUDES)
    if not 1 <= options.port <= 65_535:
        raise OptionRefused(option="port", reason=f"{options.port} is not from 1 to 65535")
    return options


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionRefused(option=option, reason=f"“{value}” is not one of {', '.join(allowed)}")
