"""Every export is checked before it is offered. An error finding means: no package."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from apps.packages.domain.archive import EPOCH
from apps.packages.domain.checks.agreement import check_agreement
from apps.packages.domain.checks.compose import check_compose
from apps.packages.domain.checks.files import Files, error
from apps.packages.domain.checks.names import check_names
from apps.packages.domain.checks.secrets import check_secrets
from apps.packages.domain.checks.syntax import check_syntax
from apps.packages.domain.manifest import NAME
from apps.packages.domain.tree import BLOCK
from apps.projects.domain.findings import Finding

Check = Callable[[Files], Iterator[Finding]]
CHECKS: dict[str, Check] = {
    "names": check_names,
    "syntax": check_syntax,
    "compose": check_compose,
    "agreement": check_agreement,
}
ALL_CHECKS = (*CHECKS, "secrets", "portal", "archive")
"""Names of everything that was looked at, as MANIFEST.json lists them."""


def verify(files: Files, secrets: Sequence[str]) -> list[Finding]:
    """What is wrong with the files before they are packed; errors first."""
    findings = [finding for check in CHECKS.values() for finding in check(files)]
    findings += check_secrets(files, secrets)
    return sorted(findings, key=lambda finding: (finding.severity, finding.code, finding.path))


def verify_archive(path: Path, folder: str) -> list[Finding]:
    """Reads the finished zip back and holds it to its own manifest: names, hashes, modes, times."""
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_against_manifest(archive, folder))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as failure:
        return [error("package.archive", f"The archive cannot be read back: {failure}")]


def _against_manifest(archive: zipfile.ZipFile, folder: str) -> Iterator[Finding]:
    manifest = json.loads(archive.read(f"{folder}/{NAME}"))
    wanted = {f"{folder}/{name}": row for name, row in manifest["files"].items()}
    infos = {info.filename: info for info in archive.infolist()}
    expected = sorted([*wanted, f"{folder}/{NAME}"])
    if [info.filename for info in archive.infolist()] != sorted(infos) or sorted(infos) != expected:
        yield error("package.archive", "The archive's entries are not those of its manifest.")
        return
    for name, row in wanted.items():
        info = infos[name]
        if (
            info.date_time != EPOCH
            or f"{stat.S_IMODE(info.external_attr >> 16):04o}" != row["mode"]
        ):
            yield error("package.archive", f"{name} has another mode or time than planned.", name)
        if _sha256(archive, name) != row["sha256"]:
            yield error("package.archive", f"{name} has another hash than its manifest says.", name)


def _sha256(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
