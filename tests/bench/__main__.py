"""`make bench`: every benchmark in its own process, one after the other, and one table of figures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.servers.environment import PROJECT, model_cache

FOLDER = Path(__file__).resolve().parent
LIMIT_S = 900


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of file names; default all")
    parser.add_argument("--run", metavar="MODULE", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        options.result.write_text(json.dumps(figures_of(import_module(options.run).main())))
        return 0
    names = [
        path.stem
        for path in sorted(FOLDER.glob("bench_*.py"))
        if not options.only or any(part in path.stem for part in options.only)
    ]
    machine = machine_line()
    rows, failed = [], []
    for name in names:
        print(f"\n== {name} ({load_line()})", flush=True)
        figures = run_apart(name)
        failed += [name] if figures is None else []
        rows += [(name.removeprefix("bench_"), figure) for figure in figures or []]
    print(f"\n{table(rows)}\n\n{machine}")
    if failed:
        print(f"ended with an error: {', '.join(failed)}")
    return 1 if failed else 0


def run_apart(name: str) -> list[dict[str, Any]] | None:
    """The figures of one benchmark, or None if it ended with an error; its output passes through."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        result = Path(folder) / "figures.json"
        data = Path(folder) / "data"
        data.mkdir()
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "STUDIO_DATA_DIR": str(data),
            "STUDIO_MODEL_CACHE": str(model_cache(data)),
        }
        command = [sys.executable, "-m", "tests.bench", "--run", f"tests.bench.{name}"]
        try:
            ended = subprocess.run(
                [*command, "--result", str(result)],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            print(f"{name} did not end within {LIMIT_S} s")
            return None
        return json.loads(result.read_text()) if not ended.returncode and result.exists() else None


def figures_of(returned: Any) -> list[dict[str, Any]]:
    """Figures, mappings or (name, measured, target) tuples, one or several, as JSON-safe rows."""
    if returned is None or isinstance(returned, int):
        return []
    if is_dataclass(returned) or isinstance(returned, dict):
        returned = [returned]
    rows = []
    for figure in returned:
        if is_dataclass(figure) and not isinstance(figure, type):
            figure = asdict(figure)
        elif isinstance(figure, Iterable) and not isinstance(figure, dict):
            figure = dict(zip(("name", "measured", "target", "met", "note"), figure, strict=False))
        name = figure.pop("figure", None) or figure.pop("name")
        known = {key: figure[key] for key in ("target", "met", "note") if key in figure}
        rows.append(asdict(Figure(str(name), str(figure["measured"]), **known)))
    return rows


def table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    lines = [("benchmark", "figure", "measured", "target", "")]
    for benchmark, row in rows:
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        note = " ".join(part for part in (verdict, row["note"]) if part)
        lines.append((benchmark, row["name"], row["measured"], str(row["target"]), note))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    printed = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([printed[0], "  ".join("-" * width for width in widths), *printed[1:]])


def machine_line() -> str:
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}: {os.cpu_count()} cores ({platform.machine()}), "
        f"{load_line()} at the start, Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}"
    )


def load_line() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
