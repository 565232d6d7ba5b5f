"""compose.yaml against everything it refers to: services, volumes, variables, files, ports, images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from apps.packages.domain.checks.files import Files, error
from apps.projects.domain.findings import Finding

COMPOSE, EXAMPLE = "compose.yaml", ".env.example"
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z][A-Z0-9_]*)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\}")
ASSIGNMENT = re.compile(r"^(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$", re.MULTILINE)
PINNED = re.compile(r"^[a-z0-9./-]+:(?!latest$)[\w.-]+$")
WANTED_KEYS = ("healthcheck", "restart", "logging", "deploy")
COPY = re.compile(r"^COPY(?P<options>(?: --[a-z]+=\S+)*) (?P<paths>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Composition:
    files: Files
    text: str
    data: dict[str, Any]
    variables: dict[str, str]

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        return self.data.get("services") or {}

    def default(self, text: str) -> str:
        """The text with each ${NAME:-default} replaced by its value in .env.example or its default."""
        return VARIABLE.sub(
            lambda found: self.variables.get(found["name"]) or found["rest"] or "", text
        )


def check_compose(files: Files) -> Iterator[Finding]:
    if COMPOSE not in files:
        yield error("package.compose-missing", "There is no compose.yaml.", COMPOSE)
        return
    text = files.text(COMPOSE)
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return  # the syntax check says it
    example = {found["name"]: found["value"] for found in ASSIGNMENT.finditer(files.text(EXAMPLE))}
    composition = Composition(files, text, data, example)
    for rule in RULES:
        yield from rule(composition)


def _variables(composition: Composition) -> Iterator[Finding]:
    used = {found["name"] for found in VARIABLE.finditer(composition.text)}
    for name in sorted(used - set(composition.variables)):
        message = f"compose.yaml uses {name}, which .env.example does not name."
        yield error("package.variable-unknown", message, COMPOSE)
    for name in sorted(set(composition.variables) - used):
        message = f".env.example names {name}, which compose.yaml does not use."
        yield error("package.variable-unused", message, EXAMPLE)


def _secrets_are_generated(composition: Composition) -> Iterator[Finding]:
    script = composition.files.text("scripts/setup-env")
    required = {
        found["name"] for found in VARIABLE.finditer(composition.text) if found["kind"] == ":?"
    }
    for name in sorted(required):
        if composition.variables.get(name):
            message = f".env.example sets {name}; a value everybody has is no secret."
            yield error("package.default-secret", message, EXAMPLE)
        if name not in script:
            message = f"{name} must be set and scripts/setup-env does not make it."
            yield error("package.secret-not-generated", message, "scripts/setup-env")


def _defaults_agree(composition: Composition) -> Iterator[Finding]:
    for found in VARIABLE.finditer(composition.text):
        value = composition.variables.get(found["name"], "")
        if found["kind"] == ":-" and value and found["rest"] and value != found["rest"]:
            message = f"{found['name']} is “{found['rest']}” in compose.yaml and “{value}” in .env.example."
            yield error("package.default-differs", message, COMPOSE)


def _references(composition: Composition) -> Iterator[Finding]:
    top = {
        kind: set(composition.data.get(kind) or {})
        for kind in ("volumes", "networks", "secrets", "configs")
    }
    used: dict[str, set[str]] = {kind: set() for kind in top}
    for name, service in composition.services.items():
        for other in service.get("depends_on") or {}:
            if other not in composition.services:
                yield _unknown(name, "service", other)
        for kind, wanted in _needs(service):
            used[kind].add(wanted)
            if wanted not in top[kind]:
                yield _unknown(name, kind, wanted)
    for kind, names in top.items():
        for name in sorted(names - used[kind]):
            message = f"compose.yaml declares {kind} “{name}” and nothing uses it."
            yield error("package.reference-unused", message, COMPOSE)


def _needs(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in service.get("volumes") or ():
        source = str(volume).partition(":")[0]
        if not source.startswith((".", "/")):
            yield "volumes", source
    for network in service.get("networks") or ():
        yield "networks", network
    for kind in ("secrets", "configs"):
        for item in service.get(kind) or ():
            yield kind, item["source"] if isinstance(item, dict) else item
    for item in (service.get("build") or {}).get("secrets") or ():
        yield "secrets", item


def _files_exist(composition: Composition) -> Iterator[Finding]:
    wanted: list[str] = []
    for service in composition.services.values():
        if build := service.get("build"):
            wanted.append(build["dockerfile"])
    for kind in ("secrets", "configs"):
        wanted += [
            item["file"] for item in (composition.data.get(kind) or {}).values() if "file" in item
        ]
    for path in sorted({composition.default(path).removeprefix("./") for path in wanted}):
        if path not in composition.files:
            message = f"compose.yaml needs {path}, which is not in the package."
            yield error("package.file-missing", message, COMPOSE)


def _copies_exist(composition: Composition) -> Iterator[Finding]:
    path = "portal/Dockerfile"
    for found in COPY.finditer(composition.files.text(path)):
        if "--from=" in found["options"]:
            continue
        for source in found["paths"].split()[:-1]:
            if not any(
                PurePosixPath(one).is_relative_to(source) for one in composition.files.paths
            ):
                message = f"{path} copies {source}, which is not in the package."
                yield error("package.file-missing", message, path)


def _services_are_careful(composition: Composition) -> Iterator[Finding]:
    for name, service in composition.services.items():
        for key in WANTED_KEYS:
            if key not in service:
                message = f"The service “{name}” has no {key}."
                yield error("package.service-careless", message, COMPOSE)
        if service.get("privileged") or service.get("network_mode") == "host":
            message = f"The service “{name}” asks for rights over the machine."
            yield error("package.service-careless", message, COMPOSE)
        image = composition.default(str(service.get("image", "")))
        if not PINNED.match(image):
            message = f"The service “{name}” has no pinned image ({image or 'none'})."
            yield error("package.image-not-pinned", message, COMPOSE)


def _ports_agree(composition: Composition) -> Iterator[Finding]:
    """What is published leads to a port that the service listens on."""
    published: set[str] = set()
    for name, service in composition.services.items():
        listening = _listening(composition, name, service)
        for port in service.get("ports") or ():
            outside, _, inside = composition.default(str(port)).rpartition(":")
            if outside in published:
                yield error("package.port-twice", f"{outside} is published twice.", COMPOSE)
            published.add(outside)
            if inside not in listening:
                message = f"The service “{name}” publishes port {inside} and listens on {_words(listening)}."
                yield error("package.port-differs", message, COMPOSE)
        test = " ".join(str(part) for part in (service.get("healthcheck") or {}).get("test") or ())
        for asked in re.findall(r"127\.0\.0\.1:(\d+)", test):
            if asked not in listening:
                message = f"The health check of “{name}” asks port {asked}; it listens on {_words(listening)}."
                yield error("package.port-differs", message, COMPOSE)
    if not published:
        yield error("package.port-missing", "No service publishes a port.", COMPOSE)
    for asked in re.findall(
        r"proxy_pass http://\$portal:(\d+)", composition.files.text("compose/nginx.conf")
    ):
        if asked not in _listening(composition, "web", composition.services.get("web") or {}):
            message = f"nginx passes requests to port {asked}, which web does not listen on."
            yield error("package.port-differs", message, "compose/nginx.conf")


def _listening(composition: Composition, name: str, service: dict[str, Any]) -> set[str]:
    if name == "nginx":
        return set(re.findall(r"listen (\d+)", composition.files.text("compose/nginx.conf")))
    command = [str(part) for part in service.get("command") or ()]
    return {command[at + 1] for at, part in enumerate(command[:-1]) if part == "--port"}


def _unknown(service: str, kind: str, name: str) -> Finding:
    message = (
        f"The service “{service}” refers to {kind} “{name}”, which compose.yaml does not declare."
    )
    return error("package.reference-unknown", message, COMPOSE)


def _words(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "none"


RULES = (
    _variables,
    _secrets_are_generated,
    _defaults_agree,
    _references,
    _files_exist,
    _copies_exist,
    _services_are_careful,
    _ports_agree,
)
