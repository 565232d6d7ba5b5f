from __future__ import annotations

import errno
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from apps.packages.domain import archive
from apps.packages.domain.checks.files import Files
from apps.packages.domain.export import Report, export_document
from apps.packages.domain.plan import Plan
from apps.packages.domain.tree import Entry
from apps.packages.domain.vendor import APPS, WORKER, Sources
from apps.packages.domain.verify import verify_archive
from apps.packages.errors import (
    FormatUnavailable,
    KnowledgeMissing,
    NotWritable,
    OptionRefused,
    OutOfSpace,
    SourceMissing,
)
from apps.projects.errors import SpecRefused
from tests.apps.packages.conftest import GENERATIVE, SPEC, plan_of
from tests.servers.environment import PROJECT

GOLDEN = Path(__file__).parent / "golden"


def own_files(planned: Plan) -> list[str]:
    """What is ours to decide; vendored apps and built pages change with their owners."""
    elsewhere = ("portal/apps/", "portal/worker/", "portal/static/")
    return [entry.path for entry in planned.entries if not entry.path.startswith(elsewhere)]


@pytest.mark.parametrize(
    ("golden", "text", "topology"),
    [("single.txt", SPEC, "single"), ("cluster.txt", GENERATIVE, "cluster")],
)
def test_package_has_these_files_and_no_others(
    golden: str, text: str, topology: str, sources: Sources, knowledge_dir: Path
) -> None:
    planned = plan_of(text, sources, knowledge_dir, topology=topology)

    assert own_files(planned) == (GOLDEN / golden).read_text().splitlines()


def test_same_project_twice_gives_the_same_bytes(
    single: Report, sources: Sources, knowledge_dir: Path, tmp_path: Path
) -> None:
    again = export_document(
        SPEC, out=tmp_path / "again.zip", sources=sources, knowledge_dir=knowledge_dir
    )

    assert single.path
    assert again.path
    assert again.sha256 == single.sha256
    assert again.path.read_bytes() == single.path.read_bytes()


def test_finished_package_passed_every_check(single: Report) -> None:
    assert single.findings == ()
    assert single.path
    assert single.path.stat().st_size == single.size_bytes


def test_manifest_holds_every_file(single: Report) -> None:
    assert single.path
    with zipfile.ZipFile(single.path) as package:
        names = package.namelist()
        manifest = json.loads(package.read("hr-helpdesk/MANIFEST.json"))

    assert names == sorted(names)
    assert sorted(["MANIFEST.json", *manifest["files"]]) == [
        name.removeprefix("hr-helpdesk/") for name in names
    ]
    assert manifest["findings"] == []
    assert manifest["checks"] == [
        "names",
        "syntax",
        "compose",
        "agreement",
        "secrets",
        "portal",
        "archive",
    ]


def test_entries_have_fixed_times_and_modes(single: Report) -> None:
    assert single.path
    with zipfile.ZipFile(single.path) as package:
        infos = package.infolist()

    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {stat.S_IMODE(info.external_attr >> 16) for info in infos} == {0o644, 0o755}
    scripts = [info for info in infos if "/scripts/" in info.filename]
    assert {stat.S_IMODE(info.external_attr >> 16) for info in scripts} == {0o755}


def test_vendored_code_is_verbatim(single: Report) -> None:
    assert single.path
    with zipfile.ZipFile(single.path) as package:
        packed = {
            name.removeprefix("hr-helpdesk/portal/"): package.read(name)
            for name in package.namelist()
            if name.startswith(("hr-helpdesk/portal/apps/", "hr-helpdesk/portal/worker/"))
        }

    assert packed == {name: (PROJECT / name).read_bytes() for name in packed}
    assert set(WORKER) <= set(packed)
    assert {name.split("/")[1] for name in packed if name.startswith("apps/")} == {
        *APPS,
        "__init__.py",
    }


def test_no_path_of_this_machine_is_inside(files: Files) -> None:
    here = str(PROJECT).encode()

    found = [entry.path for entry in files.entries if here in entry.read()]

    assert found == []


def test_documents_travel_instead_of_an_index(sources: Sources, documents_dir: Path) -> None:
    planned = plan_of(SPEC, sources, documents_dir, include="documents")

    paths = [entry.path for entry in planned.entries if entry.path.startswith("knowledge/")]
    assert paths == [
        "knowledge/README.md",
        "knowledge/handbook/holidays.md",
        "knowledge/handbook/travel/rules.txt",
    ]


def test_nothing_travels_without_knowledge(sources: Sources) -> None:
    planned = plan_of(SPEC, sources, None, include="none")

    paths = [entry.path for entry in planned.entries if entry.path.startswith("knowledge/")]
    assert paths == ["knowledge/README.md"]


def test_missing_knowledge_is_refused(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeMissing, match="handbook"):
        plan_of(SPEC, sources, tmp_path)


def test_index_is_asked_for_and_documents_are_given(sources: Sources, documents_dir: Path) -> None:
    with pytest.raises(KnowledgeMissing, match="no ready index"):
        plan_of(SPEC, sources, documents_dir)


@pytest.mark.parametrize("name", ["helm", "ansible", "gmc"])
def test_format_of_another_release_names_what_there_is(
    name: str, sources: Sources, tmp_path: Path
) -> None:
    with pytest.raises(FormatUnavailable, match=rf"“{name}”.*Available: compose"):
        export_document(SPEC, out=tmp_path / "x.zip", sources=sources, formats=("compose", name))


@pytest.mark.parametrize(
    "chosen",
    [{"topology": "galaxy"}, {"include": "everything"}, {"port": 0}, {"formats": ()}],
    ids=lambda chosen: next(iter(chosen)),
)
def test_unknown_option_is_refused(
    chosen: dict[str, object], sources: Sources, tmp_path: Path
) -> None:
    with pytest.raises(OptionRefused):
        export_document(SPEC, out=tmp_path / "x.zip", sources=sources, **chosen)


def test_broken_project_is_refused_with_its_findings(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(SpecRefused) as refused:
        export_document("kind: Project\n", out=tmp_path / "x.zip", sources=sources)

    assert refused.value.findings


def test_front_end_that_was_not_built_is_named(tmp_path: Path) -> None:
    for name in ("apps", "worker", "deploy", "LICENSE"):
        (tmp_path / name).symlink_to(PROJECT / name)

    with pytest.raises(SourceMissing, match="make setup"):
        plan_of(SPEC, Sources(tmp_path), None, include="none")


def test_secret_in_a_document_forbids_the_package(
    sources: Sources, documents_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "package.zip"

    report = export_document(
        SPEC,
        out=out,
        sources=sources,
        knowledge_dir=documents_dir,
        secrets=["25 days a year"],
        include="documents",
    )

    assert report.path is None
    assert not out.exists()
    assert [(finding.code, finding.path) for finding in report.errors] == [
        ("package.secret", ("knowledge/handbook/holidays.md",))
    ]


def test_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Entry):
        def blocks(self):  # type: ignore[no-untyped-def]
            yield b"x"
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "package.zip"
    out.write_bytes(b"the package before")

    with pytest.raises(OutOfSpace):
        archive.write_archive([Full("a", b"xx", "a test")], "folder", out)

    assert out.read_bytes() == b"the package before"
    assert list(tmp_path.iterdir()) == [out]


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(NotWritable, match="file/package.zip"):
        archive.write_archive([], "folder", tmp_path / "file" / "package.zip")


def test_damaged_archive_is_found_out(single: Report, tmp_path: Path) -> None:
    assert single.path
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(single.path) as whole, zipfile.ZipFile(damaged, "w") as copy:
        for info in whole.infolist():
            content = whole.read(info)
            copy.writestr(info, content + b"!" if info.filename.endswith("README.md") else content)

    found = verify_archive(damaged, "hr-helpdesk")

    assert [finding.path for finding in found] == [
        ("hr-helpdesk/README.md",),
        ("hr-helpdesk/knowledge/README.md",),
    ]


def test_archive_cut_short_is_found_out(single: Report, tmp_path: Path) -> None:
    assert single.path
    cut = tmp_path / "cut.zip"
    cut.write_bytes(single.path.read_bytes()[:-100])

    assert [finding.code for finding in verify_archive(cut, "hr-helpdesk")] == ["package.archive"]
