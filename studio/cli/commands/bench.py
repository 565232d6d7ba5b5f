"""`genai-studio bench`: how fast is a project under load?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import documents, exits, session, work
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.benchmarks.domain.profile import Profile
    from apps.benchmarks.models import BenchRun
    from apps.projects.models import SpecVersion

HELP = "load a project and measure"
DESCRIPTION = """Serve a version on this machine, load it and measure: time to first token, inter-token
latency, tokens and requests per second."""
PROMPTS = (
    "What is this about?",
    "Which rules apply, and to whom?",
    "Who decides, and within how many days?",
    "What has to be done first?",
)
"""Used where neither --prompt, --prompts nor --dataset is given."""
LATENCIES = (
    ("ttft_ms", "time to first token"),
    ("itl_ms", "inter-token"),
    ("e2e_ms", "whole reply"),
)
OPTIONS = {
    "concurrency": "--users",
    "rate_rps": "--rate",
    "duration_s": "--duration",
    "warmup_s": "--warmup",
    "max_tokens": "--max-tokens",
    "slo": "--slo",
}
"""What the values of a profile are called on the command line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", help="its name or id")
    parser.add_argument("--version", type=int, metavar="N", dest="number", help="a built version")
    load = parser.add_mutually_exclusive_group()
    load.add_argument(
        "--users", type=int, metavar="N", help="each asks, waits, asks again (default 4)"
    )
    load.add_argument(
        "--rate", type=float, metavar="RPS", help="requests per second, come what may"
    )
    parser.add_argument(
        "--duration", type=int, default=30, metavar="S", help="measured (default 30)"
    )
    parser.add_argument("--warmup", type=int, default=5, metavar="S", help="before it (default 5)")
    parser.add_argument("--max-tokens", type=int, default=128, metavar="N")
    questions = parser.add_mutually_exclusive_group()
    questions.add_argument("--prompt", action="append", dest="prompt", metavar="TEXT")
    questions.add_argument("--prompts", metavar="FILE", help="one question per line; - for stdin")
    questions.add_argument("--dataset", metavar="NAME", help="the questions of a dataset")
    parser.add_argument(
        "--slo",
        action="append",
        default=[],
        metavar="ttft_ms=800",
        help="limits for goodput: ttft_ms, itl_ms, e2e_ms; may be repeated",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="load a model server that is not on this machine",
    )
    parser.add_argument(
        "--no-calibration", action="store_true", help="skip measuring our own error"
    )
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    slo = _slo(options.slo)
    user = session.start(options, output)
    from apps.benchmarks.models import BenchRun
    from apps.benchmarks.services import start_bench
    from apps.evaluations.words_only import words_only

    project = session.project_named(user, options.project)
    version = session.version_of(project, options.number, by=user)
    profile = _profile(options, slo, version)
    if told := words_only(version):
        output.note(told)
    started = start_bench(version=version, profile=profile, by=user)
    if started.job is not None:
        work.follow(started.job, output)
    finished = BenchRun.objects.get(pk=started.pk)
    data = {
        "run": str(finished.pk),
        "version": version.number,
        "profile": finished.profile,
        "summary": finished.summary,
    }
    output.result(data, _text(finished, profile))
    return exits.OK


def _slo(given: list[str]) -> dict[str, float]:
    limits = {}
    for text in given:
        name, sign, value = text.partition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign or name.strip() not in {"ttft_ms", "itl_ms", "e2e_ms"}:
            refuse(f"“{text}” is no limit. Write ttft_ms=800, itl_ms=80 or e2e_ms=10000.")
    return limits


def _profile(options: argparse.Namespace, slo: dict[str, float], version: SpecVersion) -> Profile:
    from pydantic import ValidationError

    from apps.benchmarks.domain.profile import Profile

    prompts, source = _prompts(options, version)
    values: dict[str, Any] = {
        "mode": "closed" if options.rate is None else "open",
        "duration_s": options.duration,
        "warmup_s": options.warmup,
        "max_tokens": options.max_tokens,
        "prompts": prompts,
        "prompt_source": source,
        "slo": slo,
        "calibrate": not options.no_calibration,
        "allow_remote": options.allow_remote,
    }
    values |= {"concurrency": options.users} if options.users is not None else {}
    values |= {"rate_rps": options.rate} if options.rate is not None else {}
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ").replace("Input should be", "It must be")
        option = OPTIONS.get(str(first["loc"][0])) if first["loc"] else None
        refuse(f"{option} is {first['input']}. {said}." if option else f"{said.capitalize()}.")


def _prompts(options: argparse.Namespace, version: SpecVersion) -> tuple[tuple[str, ...], str]:
    if options.prompt:
        return tuple(options.prompt), "command line"
    if options.prompts:
        lines = documents.read(options.prompts).splitlines()
        prompts = tuple(line.strip() for line in lines if line.strip())
        if not prompts:
            refuse(f"{documents.shown(options.prompts)} has no question. Put one on each line.")
        return prompts, Path(documents.shown(options.prompts)).name
    if options.dataset:
        from apps.benchmarks.services import dataset_prompts
        from apps.evaluations.models import Dataset

        found = Dataset.objects.filter(project=version.project_id, name=options.dataset).first()
        if found is None:
            refuse(f"There is no dataset “{options.dataset}”.")
        return dataset_prompts(found), found.name
    return PROMPTS, "built-in questions"


def _text(run: BenchRun, profile: Profile) -> str:
    summary = run.summary
    lines = [
        f"{profile.label}, {profile.duration_s} s measured after {profile.warmup_s} s of warm-up"
    ]
    for key, label in LATENCIES:
        figures = summary.get(key) or {}
        shares = [f"{name} {_ms(figures.get(name))}" for name in ("p50", "p95", "p99")]
        lines.append(f"{label:<20} {'  '.join(shares)}")
    lines.append(f"{'tokens per second':<20} {summary.get('tokens_per_s', 0):.1f}")
    lines.append(f"{'requests per second':<20} {summary.get('requests_per_s', 0):.2f}")
    counts = summary.get("requests") or {}
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    lines.append(f"{'requests':<20} {said}")
    if goodput := summary.get("goodput"):
        lines.append(f"{'goodput':<20} {goodput['value']:.1%} ({goodput['requests_per_s']:.2f}/s)")
    lines += [f"note: {reason}" for reason in (summary.get("validity") or {}).get("reasons", [])]
    return "\n".join(lines)


def _ms(figure: Any) -> str:
    value = figure.get("value") if isinstance(figure, dict) else figure
    return "n/a" if value is None else f"{value:,.1f} ms"
