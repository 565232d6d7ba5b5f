"""Importing other programs' files: every sample, and files at the limits that are made to be slow."""

from __future__ import annotations

import time

from apps.projects.domain.importers.importing import import_text
from tests.apps.projects.importers.samples import SAMPLES, heavy
from tests.bench.figures import Figure

ROUNDS = 3
LIMIT_S = 1.0


def main() -> list[Figure]:
    samples = {path.name: path.read_text(encoding="utf-8") for path in SAMPLES}
    return [
        _slowest("import of a sample, slowest, processor time, ms", samples),
        _slowest("import of a file at the limits, slowest, processor time, ms", heavy()),
    ]


def _slowest(name: str, texts: dict[str, str]) -> Figure:
    """The worst of the files, each in its best of a few rounds."""
    times = {key: min(_taken_s(text) for _ in range(ROUNDS)) for key, text in texts.items()}
    worst = max(times, key=lambda key: times[key])
    measured = f"{times[worst] * 1000:.0f}"
    return Figure(name, measured, "under 1000", times[worst] < LIMIT_S, f"{worst}; of {len(times)}")


def _taken_s(text: str) -> float:
    began = time.process_time()
    import_text(text, "bench")
    return time.process_time() - began
