"""What one file says of another: commands in the README, variables in settings, names in app.json."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from apps.packages.domain.application import Server
from apps.packages.domain.checks.files import Files, error
from apps.projects.domain.findings import Finding
from apps.runtime.graph import Graph

README, SETTINGS, APP = "README.md", "portal/portal/settings.py", "portal/app.json"
MAKE = re.compile(r"`(?:[^`\n]* )?make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
SCRIPT = re.compile(r"\./(scripts/[a-z-]+)")
PINNED = re.compile(r"^[a-z0-9._\[\]-]+==\S+")
ADDRESS = re.compile(r"^--(index-url|extra-index-url|find-links)|https?://", re.MULTILINE)
READERS = {"text", "flag", "number", "names", "kept_secret"}


def check_agreement(files: Files) -> Iterator[Finding]:
    yield from _commands(files)
    yield from _settings(files)
    yield from _application(files)
    yield from _locks(files)


def _commands(files: Files) -> Iterator[Finding]:
    targets = set(TARGET.findall(files.text("Makefile")))
    readme = files.text(README)
    for found in MAKE.finditer(readme):
        name = found[1] or found[2]
        if name not in targets:
            yield error("package.command-unknown", f"The README tells `make {name}`.", README)
    for path in sorted(set(SCRIPT.findall(readme + files.text("Makefile")))):
        if path not in files:
            message = f"The README or the Makefile calls {path}, which is not in the package."
            yield error("package.command-unknown", message, README)


def _settings(files: Files) -> Iterator[Finding]:
    """Every variable that the settings read is in the README's table."""
    readme = files.text(README)
    for name in sorted(_variables_read(files.text(SETTINGS))):
        if f"| `{name}` |" not in readme:
            message = f"{SETTINGS} reads {name}, which the README's table does not name."
            yield error("package.setting-undocumented", message, SETTINGS)


def _variables_read(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()  # the syntax check says it
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def _application(files: Files) -> Iterator[Finding]:
    """app.json: what the graph needs is declared, and what is declared travels."""
    try:
        app: dict[str, Any] = json.loads(files.text(APP))
    except ValueError:
        return  # the syntax check says it
    servers = {row["name"]: Server(**row) for row in app["servers"]}
    example = files.text(".env.example")
    graph = Graph.model_validate(app["graph"])
    for node in graph.nodes:
        for name in graph.model_copy(update={"nodes": (node,)}).connections():
            if name not in servers:
                message = f"The step “{node.id}” needs the server “{name}”, which is not declared."
                yield error("package.server-unknown", message, APP)
    for variable in (servers[name].url_variable for name in sorted(servers)):
        if f"\n{variable}=" not in example:
            yield error(
                "package.variable-unknown", f".env.example lacks {variable}.", ".env.example"
            )
    for row in app["collections"]:
        there = any(path.startswith(f"knowledge/{row['name']}/") for path in files.paths)
        if there != (row["include"] != "none"):
            message = (
                f"The knowledge of “{row['name']}” is not as app.json says ({row['include']})."
            )
            yield error("package.knowledge-differs", message, APP)


def _locks(files: Files) -> Iterator[Finding]:
    """Locks carry versions and hashes and name no download host."""
    for path in ("portal/requirements.lock", "portal/model.lock"):
        text = files.text(path)
        if found := ADDRESS.search(text):
            yield error("package.lock-address", f"{path} names a download host ({found[0]}).", path)
        blocks = re.split(r"\n(?=\S)", text.strip())
        for block in blocks:
            if not PINNED.match(block) or "--hash=sha256:" not in block:
                message = (
                    f"{path} has an entry without version and hash: {block.splitlines()[0][:80]}"
                )
                yield error("package.lock-open", message, path)
