"""How far the load generator is off, against a server whose pace is known, at three loads.

`measured` is what the generator reported minus what the server was set to; the server (a process of its own, one
core) adds its own delay to it, so that every figure is an upper bound of the generator's error.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from apps.benchmarks.domain.aggregate import Recorder
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.domain.records import record_from
from tests.bench.figures import Figure
from tests.servers.environment import PROJECT
from worker.engine_process import engine_events

TTFT_MS, ITL_MS, TOKENS = 50.0, 10.0, 32
LOADS = (1, 32, 128)
ALLOWED_MS = {1: (3.0, 8.0), 32: (3.0, 25.0), 128: (5.0, 25.0)}
"""Error of TTFT at p50 and p99 that still counts as held (the criteria of the comparison of generators)."""
IDEAL_REQUEST_S = (TTFT_MS + ITL_MS * (TOKENS - 1)) / 1e3


def main() -> list[Figure]:
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0"]
    command += ["--ttft-ms", str(TTFT_MS), "--itl-ms", str(ITL_MS), "--tokens", str(TOKENS)]
    server = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = server.stdout.readline().strip()
        return [
            figure for streams in LOADS for figure in _figures(f"{url}/chat/completions", streams)
        ]
    finally:
        server.terminate()
        server.wait()


def _figures(url: str, streams: int) -> list[Figure]:
    profile = Profile(
        prompts=("one", "two", "three"), concurrency=streams, duration_s=6, warmup_s=2, drain_s=5
    )
    recorder, result = _load(url, profile)
    summary = recorder.summary()
    ttft, itl = summary["ttft_ms"], summary["itl_mean_ms"]
    p50_allowed, p99_allowed = ALLOWED_MS[streams]
    ideal = streams * TOKENS / IDEAL_REQUEST_S
    p50, p99 = _off(ttft["p50"], TTFT_MS), _off(ttft["p99"], TTFT_MS)
    share = summary["tokens_per_s"] / ideal
    note = (
        f"n {ttft['n']}, loop lag p99 {result['client']['lag_p99_ms']:.1f} ms, "
        f"CPU {result['client']['cpu_percent']:.0f} %"
    )
    name = f"c={streams}"
    return [
        Figure(f"{name}: TTFT error p50 (ms)", _text(p50), f"under {p50_allowed:g}", _below(p50, p50_allowed), note),
        Figure(f"{name}: TTFT error p99 (ms)", _text(p99), f"under {p99_allowed:g}", _below(p99, p99_allowed)),
        Figure(f"{name}: ITL error p50 (ms)", _text(_off(itl["p50"], ITL_MS)), "under 0.5", _below(_off(itl["p50"], ITL_MS), 0.5)),
        Figure(f"{name}: tokens/s of ideal", f"{share:.0%}", "at least 95%", share >= 0.95),
    ]  # fmt: skip


def _load(url: str, profile: Profile) -> tuple[Recorder, dict[str, Any]]:
    recorder, result = Recorder(profile), {}
    plan = {"url": url, "token": "bench", "profile": profile.model_dump(mode="json")}
    for event in engine_events("worker.engines.load", plan):
        if event["type"] == "requests":
            for item in event["items"]:
                recorder.add(record_from(item))
        elif event["type"] == "result":
            result = event
    return recorder, result


def _off(measured: float | None, known: float) -> float | None:
    return None if measured is None else measured - known


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:+.2f}"


def _below(value: float | None, limit: float) -> bool | None:
    return None if value is None else abs(value) < limit
