"""Every rule catches a broken example, and says nothing about a sound package."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from apps.packages.domain.checks.files import Files
from apps.packages.domain.checks.portal import PortalCheck
from apps.packages.domain.tree import Entry
from apps.packages.domain.verify import verify

SECRET = "sk-7Qm!p/9x+Zr4"
Change = Callable[[Files], Files]


def changed(path: str, old: str, new: str) -> Change:
    """The file with one piece of its text replaced."""

    def change(files: Files) -> Files:
        text = files.text(path)
        assert old in text, f"{path} no longer has {old!r}"
        return put(path, text.replace(old, new, 1).encode())(files)

    return change


def put(path: str, content: bytes) -> Change:
    def change(files: Files) -> Files:
        kept = [entry for entry in files.entries if entry.path != path]
        return replace(files, entries=[*kept, Entry(path, content, "a test")])

    return change


def without(path: str) -> Change:
    return lambda files: replace(files, entries=[e for e in files.entries if e.path != path])


def app(**values: object) -> Change:
    def change(files: Files) -> Files:
        content = {**json.loads(files.text("portal/app.json")), **values}
        return put("portal/app.json", json.dumps(content).encode())(files)

    return change


WORKER = "  worker:\n    <<: *portal\n"
BROKEN: list[tuple[str, str, Change]] = [
    ("path leads out", "package.path-unsafe", put("portal/../../etc/passwd", b"")),
    ("absolute path", "package.path-unsafe", put("/etc/passwd", b"")),
    ("Windows path", "package.path-unsafe", put("C:\\x", b"")),
    ("control character", "package.path-unsafe", put("knowledge/a\nb", b"")),
    ("too long a path", "package.path-unsafe", put("knowledge/" + "x" * 240, b"")),
    ("settings with values", "package.path-unexpected", put("portal/.env", b"")),
    ("a database", "package.path-unexpected", put("portal/db.sqlite3", b"")),
    ("a private key", "package.path-unexpected", put("portal/tls.pem", b"")),
    ("unknown folder", "package.path-unexpected", put("extra/file.txt", b"")),
    ("two spellings", "package.path-twice", put("knowledge/readme.md", b"")),
    ("broken Python", "package.syntax", put("portal/portal/x.py", b"def broken(:")),
    ("broken JSON", "package.syntax", put("portal/app.json", b"{")),
    ("broken YAML", "package.syntax", changed("compose.yaml", "services:", "services: [")),
    ("key twice in YAML", "package.syntax", changed("compose.yaml", "  redis: {}", "  db: {}")),
    ("broken shell", "package.syntax", put("scripts/backup", b"#!/bin/sh\nif true; then\n")),
    ("template mark", "package.template-mark", changed("README.md", "# HR", "# {{ title }} HR")),
    ("no compose file", "package.compose-missing", without("compose.yaml")),
    ("unknown variable", "package.variable-unknown", changed(".env.example", "\nTZ=", "\n#TZ=")),
    ("unused variable", "package.variable-unused", changed(".env.example", "TZ=UTC", "TZ=UTC\nX=")),
    ("default password", "package.default-secret", changed(".env.example", "REDIS_PASSWORD=", "REDIS_PASSWORD=redis")),
    ("password nobody makes", "package.secret-not-generated", put("scripts/setup-env", b"#!/bin/sh\n")),
    ("defaults differ", "package.default-differs", changed(".env.example", "PORTAL_PORT=8080", "PORTAL_PORT=9090")),
    ("unknown service", "package.reference-unknown", changed("compose.yaml", "    db: {condition", "    sql: {condition")),
    ("unknown volume", "package.reference-unknown", changed("compose.yaml", '["db:/var', '["sql:/var')),
    ("unused volume", "package.reference-unused", changed("compose.yaml", "  redis: {}", "  redis: {}\n  rest: {}")),
    ("missing file", "package.file-missing", without("compose/nginx.conf")),
    ("missing Dockerfile", "package.file-missing", without("portal/Dockerfile")),
    ("copy of nothing", "package.file-missing", changed("portal/Dockerfile", "COPY knowledge ", "COPY knowing ")),
    ("no health check", "package.service-careless", changed("compose.yaml", "    healthcheck:", "    x-healthcheck:")),
    ("privileged", "package.service-careless", changed("compose.yaml", WORKER, WORKER + "    privileged: true\n")),
    ("image not pinned", "package.image-not-pinned", changed(".env.example", "redis:7", "redis:latest")),
    ("ports differ", "package.port-differs", changed("compose.yaml", "}:8080", "}:8081")),
    ("health asks elsewhere", "package.port-differs", changed("compose.yaml", "127.0.0.1:8000", "127.0.0.1:8001")),
    ("nginx asks elsewhere", "package.port-differs", changed("compose/nginx.conf", "$portal:8000", "$portal:8001")),
    ("nothing published", "package.port-missing", changed("compose.yaml", "    ports:", "    x-ports:")),
    ("unknown make target", "package.command-unknown", changed("README.md", "make test ", "make tests ")),
    ("unknown script", "package.command-unknown", without("scripts/backup")),
    ("undocumented setting", "package.setting-undocumented", changed("README.md", "| `PORTAL_HOSTS` |", "| hosts |")),
    ("unknown model server", "package.server-unknown", app(servers=[])),
    ("knowledge missing", "package.knowledge-differs", without("knowledge/handbook/meta.json")),
    ("lock without hash", "package.lock-open", put("portal/model.lock", b"something==1.0\n")),
    ("lock with address", "package.lock-address", changed("portal/model.lock", "gt-", "--index-url https://x\ngt-")),
    ("secret in clear", "package.secret", put("knowledge/handbook/a.txt", f"key {SECRET}".encode())),
    ("secret in base64", "package.secret", put("knowledge/handbook/a.txt", base64.b64encode(f"u:{SECRET}".encode()))),
    ("secret in JSON", "package.secret", put("knowledge/handbook/a.txt", json.dumps([SECRET]).encode())),
    ("secret in hex", "package.secret", put("knowledge/handbook/a.txt", SECRET.encode().hex().encode())),
    ("secret in a name", "package.secret", put(f"knowledge/{SECRET.replace('/', '')}", SECRET.replace("/", "").encode() + SECRET.encode())),
]  # fmt: skip


def test_sound_package_has_no_findings(files: Files) -> None:
    assert verify(files, [SECRET]) == []


@pytest.mark.parametrize(
    ("code", "change"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_broken_package_is_found_out(files: Files, code: str, change: Change) -> None:
    if code == "package.knowledge-differs":
        prefix = "knowledge/handbook/"
        gone = [entry.path for entry in files.entries if entry.path.startswith(prefix)]
        for path in gone:
            files = without(path)(files)
        change = app()
    found = verify(change(files), [SECRET])

    assert code in {finding.code for finding in found}
    assert all(finding.severity == "error" for finding in found)


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_secret_is_found_at_every_base64_alignment(
    files: Files, shift: int, encode: Callable[[bytes], bytes]
) -> None:
    content = encode(b"x" * shift + SECRET.encode() + b"tail")

    found = verify(put("knowledge/handbook/a.bin", content)(files), [SECRET])

    assert [(finding.code, finding.path) for finding in found] == [
        ("package.secret", ("knowledge/handbook/a.bin",))
    ]


def test_secret_is_found_across_blocks(files: Files, tmp_path: object) -> None:
    content = b"." * ((1 << 20) - 5) + SECRET.encode() + b"." * 10
    path = tmp_path / "big.bin"  # type: ignore[operator]
    path.write_bytes(content)
    entry = Entry("knowledge/handbook/big.bin", path, "a test")

    found = verify(replace(files, entries=[*files.entries, entry]), [SECRET])

    assert [finding.code for finding in found] == ["package.secret"]


def test_finding_never_repeats_the_secret(files: Files) -> None:
    found = verify(put("knowledge/handbook/a.txt", SECRET.encode())(files), [SECRET])

    assert found
    assert not any(SECRET in json.dumps(finding.as_dict()) for finding in found)


def test_short_secret_is_a_warning(files: Files) -> None:
    found = verify(put("knowledge/handbook/a.txt", b"q9#z")(files), ["q9#z"])

    assert [finding.severity for finding in found] == ["warning"]


def test_portal_that_does_not_start_is_an_error(files: Files) -> None:
    broken = put("portal/portal/urls.py", b"urlpatterns = 1\n")(files)

    with PortalCheck(broken.entries) as check:
        found = check.findings()

    assert [(finding.code, finding.severity) for finding in found] == [
        ("package.portal-check", "error")
    ]
