"""`genai-studio validate`: what is wrong with project files, one line per finding."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli import documents, exits
from studio.cli.output import Output, Refused

if TYPE_CHECKING:
    from apps.projects.domain.findings import Finding

HELP = "check project files"
DESCRIPTION = """Check project files and print one line per finding:

  file:line:column: code: message

Needs neither a server nor a database: whether connections and collections exist is checked by
`apply`. Ends with 2 if there is an error; warnings alone end with 0, or with 2 under --strict. An
(info) says what is set and does nothing; it never fails."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="project file, - for stdin")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")


def run(options: argparse.Namespace, output: Output) -> int:
    reports = [_report(path) for path in options.files]
    lines = [_line(report["file"], finding) for report in reports for finding in report["findings"]]
    bad = [report for report in reports if not _passes(report, strict=options.strict)]
    output.result({"valid": not bad, "files": reports}, "\n".join(lines) or _all_well(reports))
    return exits.BAD_INPUT if bad else exits.OK


def _report(path: str) -> dict[str, Any]:
    from apps.projects.domain.findings import Finding
    from apps.projects.domain.validate import check

    spec = None
    try:
        spec, found = check(documents.read(path))
    except Refused as error:
        found = [Finding("cli.file", str(error), (), "error", 1, 1)]
    return {
        "file": documents.shown(path),
        "project": spec.metadata.name if spec else None,
        "findings": [_as_dict(finding) for finding in found],
    }


def _as_dict(finding: Finding) -> dict[str, Any]:
    values = finding.as_dict()
    return {**values, "line": values["line"] or 1, "column": values["column"] or 1}


def _passes(report: dict[str, Any], *, strict: bool) -> bool:
    bad = ("error", "warning") if strict else ("error",)
    return not any(one["severity"] in bad for one in report["findings"])


def _line(file: str, finding: dict[str, Any]) -> str:
    level = "" if finding["severity"] == "error" else f" ({finding['severity']})"
    message = " ".join(finding["message"].split())
    return f"{file}:{finding['line']}:{finding['column']}: {finding['code']}: {message}{level}"


def _all_well(reports: list[dict[str, Any]]) -> str:
    return "\n".join(f"{report['file']}: valid project {report['project']}" for report in reports)
