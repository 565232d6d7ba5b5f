"""`genai-studio evaluate`: does a project answer well enough? Gates decide the exit code."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import exits, session, work
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.evaluations.domain.gates import GateResult
    from apps.evaluations.models import Dataset, EvalRun
    from apps.projects.domain.spec import Gate
    from apps.projects.models import Project

HELP = "evaluate a project on questions with reference answers"
DESCRIPTION = """Evaluate a project on a dataset (a CSV, JSON Lines or JSON file, or the name of one that
was uploaded) and hold the result against gates: those of the project file and those given here.
Ends with 3 if a gate is not passed."""
GATE = re.compile(r"([A-Za-z][A-Za-z0-9@_-]*)\s*(>=|<=)\s*(-?\d+(?:\.\d+)?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", help="its name or id")
    parser.add_argument("dataset", metavar="DATASET", help="file of questions, or a dataset's name")
    parser.add_argument("--version", type=int, metavar="N", dest="number", help="a built version")
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="METRIC>=VALUE",
        dest="gates",
        help="for example 'recall-at-k>=0.9'; <= works too; may be repeated",
    )
    parser.add_argument("--no-project-gates", action="store_true", help="only the gates given here")
    parser.add_argument("--metrics", metavar="M,…", help="only these metrics (default: all)")
    parser.add_argument("-k", type=int, metavar="N", help="passages to retrieve per question")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    gates = [_gate(text) for text in options.gates]
    if options.k is not None and not 1 <= options.k <= 50:
        refuse("-k must be from 1 to 50.")
    user = session.start(options, output)
    from apps.evaluations.domain.catalogue import METRIC_IDS
    from apps.evaluations.domain.gates import check_gates
    from apps.evaluations.models import EvalRun
    from apps.evaluations.services import start_run
    from apps.evaluations.words_only import words_only
    from apps.projects.queries import spec_of

    project = session.project_named(user, options.project)
    version = session.version_of(project, options.number, by=user)
    if not options.no_project_gates:
        gates = [*spec_of(version).spec.evaluation.gates, *gates]
    metrics = options.metrics.split(",") if options.metrics else METRIC_IDS
    dataset = _dataset(project, options.dataset, user, output)
    if told := words_only(version):
        output.note(told)
    started = start_run(version=version, dataset=dataset, by=user, metrics=metrics, k=options.k)
    if started.job is not None:
        work.follow(started.job, output)
    finished = EvalRun.objects.get(pk=started.pk)
    results = check_gates(gates, finished.summary)
    output.result(_data(finished, dataset, version.number, results), _text(finished, results))
    return exits.OK if all(result.passed for result in results) else exits.GATE_FAILED


def _gate(text: str) -> Gate:
    from apps.evaluations.domain.catalogue import METRIC_IDS, metric_id
    from apps.projects.domain.spec import Gate

    found = GATE.fullmatch(text.strip())
    if not found:
        refuse(f"“{text}” is no gate. Write METRIC>=VALUE or METRIC<=VALUE, quoted for the shell.")
    name, sign, value = found.groups()
    if (metric := metric_id(name)) is None:
        refuse(f"There is no metric “{name}”. Metrics: {', '.join(METRIC_IDS)}.")
    limit = float(value)
    return Gate(metric=metric, min=limit) if sign == ">=" else Gate(metric=metric, max=limit)


def _dataset(project: Project, given: str, user: User, output: Output) -> Dataset:
    """The file as a dataset, uploaded at most once; or the dataset of that name."""
    import hashlib

    from apps.evaluations.models import Dataset
    from apps.evaluations.services import create_dataset

    rows = Dataset.objects.filter(project=project)
    path = Path(given)
    if not path.is_file():
        if found := rows.filter(name=given).first():
            return found
        names = ", ".join(rows.values_list("name", flat=True)[:10]) or "none yet"
        refuse(f"There is no file {given}, and no dataset of that name. Datasets: {names}.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if found := rows.filter(sha256=digest).first():
        return found
    name = path.stem[:110]
    if rows.filter(name=name).exists():
        name = f"{name} {digest[:8]}"
    with path.open("rb") as file:
        made = create_dataset(project=project, name=name, file=file, by=user)
    output.note(
        f"Uploaded {path.name} as the dataset “{made.name}”: {made.question_count} questions."
    )
    return made


def _data(run: EvalRun, dataset: Dataset, number: int, results: list[GateResult]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "run": str(run.pk),
        "version": number,
        "dataset": dataset.name,
        "questions": dataset.question_count,
        "metrics": {name: run.summary.get(name) for name in run.metrics},
        "verdicts": run.summary.get("verdicts", {}),
        "gates": [asdict(result) for result in results],
        "passed": all(result.passed for result in results),
    }


def _text(run: EvalRun, results: list[GateResult]) -> str:
    from apps.evaluations.domain.catalogue import BY_ID

    lines = []
    for name in run.metrics:
        figure = run.summary.get(name) or {}
        lines.append(
            f"{BY_ID[name].label:<14} {_number(figure.get('value')):>6}  {_interval(figure)}"
        )
    for result in results:
        limits = [
            f"{sign} {limit:g}"
            for sign, limit in ((">=", result.minimum), ("<=", result.maximum))
            if limit is not None
        ]
        lines.append(
            f"gate {result.outcome}: {result.metric} {' and '.join(limits)} "
            f"(measured {_number(result.value)})"
        )
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _interval(figure: dict[str, Any]) -> str:
    if figure.get("value") is None or figure.get("low") is None:
        return ""
    return f"[{figure['low']:.3f}, {figure['high']:.3f}]  n={figure.get('n')}"
