"""The portal's own part fits the vendored part: settings it reads, libraries it imports."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from django.conf import global_settings

from apps.packages.domain.plan import Plan
from tests.servers.environment import PROJECT

SETTINGS = PROJECT / "deploy" / "package" / "portal" / "portal" / "settings.py"
STUDIO_SETTINGS = PROJECT / "studio" / "settings.py"
OURS = {"apps", "portal", "tests", "worker"}
SAME = ("MIDDLEWARE", "CONTENT_SECURITY_POLICY", "STORAGES", "AUTH_PASSWORD_VALIDATORS")
"""What a person or an attacker meets must not differ between studio and portal."""


def assigned(path: Path) -> dict[str, str]:
    tree = ast.parse(path.read_text())
    return {
        target.id: ast.unparse(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def python_files(planned: Plan) -> dict[str, ast.Module]:
    return {
        entry.path: ast.parse(entry.read())
        for entry in planned.entries
        if entry.path.startswith("portal/") and entry.path.endswith(".py")
    }


def test_portal_sets_every_setting_that_vendored_code_reads(planned: Plan) -> None:
    defined = set(assigned(SETTINGS)) | set(dir(global_settings))
    read = {
        (path, node.attr)
        for path, tree in python_files(planned).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "settings"
        and node.attr.isupper()
    }

    assert sorted(row for row in read if row[1] not in defined) == []


def test_portal_is_as_strict_as_the_studio() -> None:
    studio, portal = assigned(STUDIO_SETTINGS), assigned(SETTINGS)

    assert {name: portal[name] for name in SAME} == {name: studio[name] for name in SAME}


def test_portal_lock_holds_every_library_that_is_imported(planned: Plan) -> None:
    text = next(e for e in planned.entries if e.path == "portal/requirements.lock").read().decode()
    model = next(e for e in planned.entries if e.path == "portal/model.lock").read().decode()
    locked = {
        normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text + model, re.MULTILINE)
    }
    owners = packages_distributions()

    missing = sorted(
        f"{path}: {name}"
        for path, tree in python_files(planned).items()
        for name in imported(tree) - OURS - sys.stdlib_module_names
        if not {normal(owner) for owner in owners.get(name, [])} & locked
    )

    assert missing == []


def test_locks_agree_on_versions() -> None:
    locks = PROJECT / "deploy" / "locks"
    pins = {
        name: set(
            re.findall(r"^([a-z0-9._-]+==[^\s;\\]+)", (locks / name).read_text(), re.MULTILINE)
        )
        for name in ("portal.lock", "runtime.lock")
    }

    assert pins["portal.lock"] <= pins["runtime.lock"]


def imported(tree: ast.Module) -> set[str]:
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
    }
    return {name.partition(".")[0] for name in names}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
