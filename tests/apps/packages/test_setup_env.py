"""scripts/setup-env of a package, run as the operator runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from apps.packages.domain.vendor import Sources
from tests.apps.packages.conftest import SPEC, plan_of

SECRETS = ("PORTAL_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")


@pytest.fixture(params=["single", "cluster"])
def package(request: pytest.FixtureRequest, sources: Sources, tmp_path: Path) -> Path:
    planned = plan_of(SPEC, sources, None, include="none", topology=request.param)
    for entry in planned.entries:
        if entry.path in {".env.example", "scripts/setup-env"}:
            path = tmp_path / request.param / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.read())
            path.chmod(entry.mode)
    return tmp_path / str(request.param)


def setup_env(package: Path, *arguments: str) -> dict[str, str]:
    script = package / "scripts" / "setup-env"
    subprocess.run([script, *arguments], check=True, capture_output=True)
    lines = (package / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def test_secrets_are_made_once_and_only_for_the_owner(package: Path) -> None:
    first = setup_env(package)
    second = setup_env(package)

    assert first == second
    assert {len(first[name]) for name in SECRETS} == {48}
    assert (package / ".env").stat().st_mode & 0o777 == 0o600


def test_another_port_moves_the_address_too(package: Path) -> None:
    setup_env(package)

    values = setup_env(package, "--port", "9000")

    assert (values["PORTAL_PORT"], values["PORTAL_URL"]) == ("9000", "http://localhost:9000")


def test_public_address_stays_when_the_port_moves(package: Path) -> None:
    setup_env(package, "--url", "https://answers.example.com")

    values = setup_env(package, "--port", "9000")

    assert values["PORTAL_URL"] == "https://answers.example.com"
    assert values["PORTAL_HOSTS"] == "answers.example.com"


def test_tls_proxy_is_counted(package: Path) -> None:
    values = setup_env(package, "--url", "https://answers.example.com")

    assert values["PORTAL_PROXIES"] == ("2" if package.name == "cluster" else "1")
    assert values.get("PORTAL_TRUST_PROXY", "true") == "true"


def test_upgrade_has_an_image_of_its_own(package: Path) -> None:
    assert setup_env(package)["PORTAL_IMAGE"] == ""
