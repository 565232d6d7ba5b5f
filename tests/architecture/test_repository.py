"""What may not be in version control, and what the locks must hold."""

from __future__ import annotations

import json
import re

from django.core.management import call_command

from tests.architecture.sources import tracked_text
from tests.servers.environment import PROJECT

MACHINE_PATHS = re.compile(
    r"(?<![\w.:/}-])/(?:work/(?:main|shared)|tmp/w|root/(?!\.)|home/[a-z]+/|Users/[A-Za-z]+/)"
)
REGISTRY_HOSTS = re.compile(
    r"(?:files\.pythonhosted\.org|(?<!\w)pypi\.org/simple|registry\.npmjs\.org|registry\.yarnpkg\.com"
    r"|npm\.pkg\.github\.com|--(?:extra-)?index-url[= ]https?:|--trusted-host[= ]\w)"
)
SECRETS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b"
)
LOCKS = ("runtime.lock", "build.lock", "dev.lock", "model.lock")


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
        for path, text in tracked_text()
        if not path.startswith("tests/")
        for hit in pattern.finditer(text)
    ]


def test_no_file_names_a_machine() -> None:
    assert hits(MACHINE_PATHS) == []


def test_no_file_names_a_package_registry() -> None:
    assert hits(REGISTRY_HOSTS) == []


def test_no_file_holds_a_secret() -> None:
    assert hits(SECRETS) == []


def test_locks_pin_and_hash_every_package() -> None:
    wrong = []
    for name in LOCKS:
        text = (PROJECT / "deploy" / "locks" / name).read_text(encoding="utf-8")
        for entry in re.split(r"\n(?=\S)", text.strip()):
            if (
                not re.match(r"[A-Za-z0-9._-]+(\[[^\]]+\])?==\S+", entry)
                or "--hash=sha256:" not in entry
            ):
                wrong.append(f"{name}: {entry.splitlines()[0]}")

    assert wrong == []


def test_front_end_lock_has_hashes_and_no_hosts() -> None:
    lock = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [
        name
        for name, entry in packages.items()
        if "integrity" not in entry and not entry.get("link") and not entry.get("inBundle")
    ] == []


def test_direct_dependencies_are_locked() -> None:
    project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    wanted = {
        re.sub(r"[-_.]+", "-", name).lower()
        for name in re.findall(r'^\s*"([A-Za-z0-9._-]+)', block, re.MULTILINE)
    }
    locked = {
        line.split("==")[0].split("[")[0]
        for line in (PROJECT / "deploy/locks/runtime.lock").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith(" ")
    }

    assert wanted - locked == set()


def test_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
