"""Imports go down: layers, the order of the apps, what exported packages carry."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import Module, modules

ORDER = ["runtime", "ui", "accounts", "jobs", "knowledge", "chat"]
ORDER += ["catalog", "connections", "projects", "sandboxes", "evaluations", "benchmarks"]
ORDER += ["packages", "api"]
VENDORED_APPS = ORDER[:6]
VENDORED_WORKER = (
    "worker",
    "worker.engine_process",
    "worker.engines",
    "worker.engines.ingest",
    "worker.tasks",
    "worker.tasks.knowledge",
)
FRAMEWORKS = ("django", "rest_framework", "celery", "kombu", "drf_spectacular", "django_htmx")
ROWS = {"models", "enums", "fields", "migrations"}
EDGES = {
    "admin", "apps", "asgi", "context", "forms", "middleware", "openai_urls", "style", "templatetags", "urls", "views",
}  # fmt: skip


def layer_of(name: str) -> int:
    """0 pure, 1 rows, 2 rules, 3 edges, 4 the whole; -1 for a name that is not ours."""
    parts = name.split(".")
    if parts[0] == "studio":
        return 4
    if parts[0] == "worker":
        return {"engines": 0, "tasks": 3}.get(parts[1] if len(parts) > 1 else "", 2)
    if parts[0] != "apps":
        return -1
    if len(parts) < 3 or parts[1] == "runtime" or parts[2] in {"domain", "errors"}:
        return 0
    if parts[1] == "api" or parts[2] in EDGES or parts[2].endswith(("_views", "_forms")):
        return 3
    return 1 if parts[2] in ROWS else 2


def app_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "apps" and len(parts) > 1 else ""


def complaints(check) -> list[str]:
    """`check(module, imported name)` returns what is wrong, or an empty string."""
    return [
        f"{module.path}:{found.line}: {wrong}"
        for module in modules()
        for found in module.imports()
        if found.runtime and (wrong := check(module, found.name))
    ]


def test_layers_import_downwards_only() -> None:
    def check(module: Module, name: str) -> str:
        own, other = layer_of(module.name), layer_of(name)
        return f"layer {own} imports {name} of layer {other}" if other > own else ""

    assert complaints(check) == []


def test_apps_import_to_the_left_only() -> None:
    def check(module: Module, name: str) -> str:
        own, other = app_of(module.name), app_of(name)
        if not own or not other or ORDER.index(other) <= ORDER.index(own):
            return ""
        return f"{own} imports {name}, which comes after it"

    assert complaints(check) == []


def test_apps_know_neither_the_studio_nor_the_tasks() -> None:
    def check(module: Module, name: str) -> str:
        outside = name.startswith(("studio.", "worker.tasks"))
        return f"imports {name}" if app_of(module.name) and outside else ""

    assert complaints(check) == []


def is_vendored(name: str) -> bool:
    return app_of(name) in VENDORED_APPS or name in VENDORED_WORKER


def test_vendored_code_imports_vendored_code_and_libraries_only() -> None:
    """An exported package carries these files and nothing else of ours."""
    ours = {module.name for module in modules()}

    def check(module: Module, name: str) -> str:
        if not is_vendored(module.name) or layer_of(name) < 0:
            return ""
        target = name if name in ours else name.rpartition(".")[0]
        return "" if is_vendored(target) or target == "apps" else f"vendored code imports {name}"

    assert complaints(check) == []


def test_pure_code_imports_no_framework() -> None:
    def check(module: Module, name: str) -> str:
        pure = layer_of(module.name) == 0 and module.parts[-1] != "apps"
        return f"pure code imports {name}" if pure and name.split(".")[0] in FRAMEWORKS else ""

    assert complaints(check) == []


@pytest.mark.parametrize(
    "module", [m for m in modules() if layer_of(m.name) == 0], ids=lambda m: m.path
)
def test_pure_code_reads_no_environment(module: Module) -> None:
    read = [
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv", "os.putenv"}
    ]

    assert read == []


def test_package_initialisers_are_empty() -> None:
    filled = [m.path for m in modules() if m.path.endswith("__init__.py") and m.text.strip()]

    assert filled == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


def test_every_app_has_its_place_in_the_order() -> None:
    apps = {app_of(module.name) for module in modules()} - {""}

    assert apps == set(ORDER)
