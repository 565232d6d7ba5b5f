"""Runs load: claim, serve the version, calibrate, load it, record."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery import shared_task

from apps.benchmarks.domain.aggregate import Recorder
from apps.benchmarks.domain.calibration import Calibration, calibration_profile
from apps.benchmarks.domain.machine import SYSTEM, Sampler, pid_listening_on
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.domain.records import record_from
from apps.benchmarks.domain.validity import Client, judge
from apps.benchmarks.errors import AllRequestsFailed
from apps.benchmarks.models import BenchRun
from apps.benchmarks.services import (
    RUN_TASK,
    clear_run,
    finish_run,
    record_progress,
    record_resources,
)
from apps.evaluations.app_under_test import app_plan, servers_of
from apps.jobs.services import Claim, run_claimed
from worker.engine_process import EngineFailed, engine_events

SERVE, LOAD = "worker.engines.serve", "worker.engines.load"
LIVE_S = 2.0
"""How often the page that watches gets new figures."""
LIVE_TOKENS = 300_000
"""Above so many tokens live figures come less often: each sums up everything so far."""


@shared_task(name=RUN_TASK)  # type: ignore[untyped-decorator]
def run(*, job_id: str) -> None:
    run_claimed(job_id, _run)


def _run(claim: Claim) -> None:
    rows = BenchRun.objects.select_related("version__project__owner")
    bench = rows.get(pk=claim.job.target_id)
    profile = Profile.model_validate(bench.profile)
    clear_run(bench)
    claim.progress(0, profile.total_s, "Measuring the generator itself")
    calibration = _calibrate(profile, claim) if profile.calibrate else None
    claim.progress(0, profile.total_s, "Loading the application")
    with app_plan(bench.version, claim.job.pk) as app_part:
        _Measurement(bench, profile, claim, calibration).take(app_part)


@contextmanager
def serving(plan: dict[str, Any], claim: Claim) -> Iterator[tuple[str, str, int]]:
    """An application served for the length of the block: (url, token, pid)."""
    token = secrets.token_urlsafe(32)
    events = engine_events(SERVE, {**plan, "token": token}, stop=lambda: claim.stop_requested)
    try:
        ready = next((event for event in events if event["type"] == "ready"), None)
        claim.check()
        if ready is None:
            raise EngineFailed(engine=SERVE, returncode=0, reason="it ended before it was ready")
        yield f"http://127.0.0.1:{ready['port']}/v1/chat/completions", token, int(ready["pid"])
    finally:
        events.close()


def _calibrate(profile: Profile, claim: Claim) -> dict[str, Any]:
    """The same load for a few seconds on a server whose pace is known: the generator's own error."""
    calibration = Calibration()
    quick = calibration_profile(profile)
    with serving({"pace": calibration.pace}, claim) as (url, token, _):
        recorder = Recorder(quick)
        for event in _load(url, token, quick, claim):
            if event["type"] == "requests":
                for item in event["items"]:
                    recorder.add(record_from(item))
    return calibration.result(recorder.summary())


def _load(url: str, token: str, profile: Profile, claim: Claim) -> Iterator[dict[str, Any]]:
    plan = {"url": url, "token": token, "profile": profile.model_dump(mode="json")}
    return engine_events(LOAD, plan, stop=lambda: claim.stop_requested)


class _Measurement:
    """One load run: reads the generator's events while a thread samples the processes."""

    def __init__(
        self, bench: BenchRun, profile: Profile, claim: Claim, calibration: dict[str, Any] | None
    ) -> None:
        self.bench, self.profile, self.claim = bench, profile, claim
        self.calibration = calibration
        self.recorder = Recorder(profile)
        self.lines: list[Mapping[str, Any]] = []
        self.tokens = 0
        self.live_at = 0.0

    def take(self, app_part: dict[str, Any]) -> None:
        result: dict[str, Any] | None = None
        with serving({"app": app_part}, self.claim) as (url, token, app_pid):
            parts = {"application": app_pid} | self._model_servers()
            watcher: _Watcher | None = None
            try:
                for event in _load(url, token, self.profile, self.claim):
                    if event["type"] == "ready":
                        watcher = _Watcher(parts | {"generator": event["pid"]})
                        watcher.start()
                    elif event["type"] == "requests":
                        self._take(event["items"])
                    elif event["type"] == "tick":
                        self._tick(event, watcher)
                    elif event["type"] == "result":
                        result = event
            finally:
                if watcher:
                    watcher.stop()
                    record_resources(self.bench, watcher.drain())
        if result and watcher:
            self._finish(result, watcher)

    def _model_servers(self) -> dict[str, int]:
        """The model servers on this machine whose process may be seen."""
        found = {}
        for server in servers_of(self.bench.version):
            if pid := pid_listening_on(server.base_url):
                found[f"model server {server.name}"[:40]] = pid
        return found

    def _take(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            self.lines.append(item)
            self.tokens += len(item["token_us"])
            self.recorder.add(record_from(item))

    def _tick(self, event: Mapping[str, Any], watcher: _Watcher | None) -> None:
        t_s = float(event["t_s"])
        self.claim.progress(
            min(int(t_s), self.profile.total_s),
            self.profile.total_s,
            f"{self._phase(t_s)}: {event['sent']} requests sent, {event['in_flight']} in flight",
        )
        if time.monotonic() - self.live_at < LIVE_S * (5 if self.tokens > LIVE_TOKENS else 1):
            return
        self.live_at = time.monotonic()
        if watcher:
            record_resources(self.bench, watcher.drain())
        settled_s = self.recorder.settled_s(t_s)
        begun = settled_s > self.profile.warmup_s
        record_progress(
            self.bench,
            summary=self.recorder.summary(settled_s) if begun else {},
            series=self.recorder.series(settled_s) if settled_s >= 1 else {},
        )

    def _phase(self, t_s: float) -> str:
        if t_s < self.profile.warmup_s:
            return "Warming up"
        return "Measuring" if t_s < self.profile.total_s else "Waiting for the last answers"

    def _finish(self, result: Mapping[str, Any], watcher: _Watcher) -> None:
        summary = self.recorder.summary()
        requests = summary["requests"]
        series = self.recorder.series(min(result["ended_s"], self.profile.total_s))
        client = Client(**result["client"])
        summary["validity"] = judge(
            client,
            summary,
            open_loop=self.profile.mode == "open",
            system_cpu_percent=watcher.system_percent(self.profile.warmup_s, self.profile.total_s),
            calibration=self.calibration,
        ).as_dict()
        summary["calibration"] = self.calibration
        summary["cores"] = watcher.cores
        finish_run(self.bench, summary=summary, series=series, records=self.lines)
        self.claim.progress(
            self.profile.total_s, message=f"{requests['total']:,} requests in the measured window"
        )
        if requests["total"] and not requests["ok"] and not requests["cancelled"]:
            raise AllRequestsFailed(cause=next(iter(requests["errors"]), "unknown"))


class _Watcher:
    """Samples CPU and memory once a second on a thread of its own."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._sampler = Sampler(parts)
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._new: list[tuple[float, str, float, int]] = []
        self._system: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True, name="resources")

    @property
    def cores(self) -> int:
        return self._sampler.cores

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(5)

    def drain(self) -> list[tuple[float, str, float, int]]:
        """What was sampled since the last call."""
        taken, self._new = self._new, []
        return taken

    def system_percent(self, start_s: float, end_s: float) -> float | None:
        """Mean CPU of the machine in a window, 0 to 100."""
        values = [cpu for t_s, cpu in self._system if start_s <= t_s <= end_s]
        return round(sum(values) / len(values) / self.cores, 1) if values else None

    def _watch(self) -> None:
        while not self._ended.wait(1.0):
            t_s = time.monotonic() - self._started
            for sample in self._sampler.sample():
                self._new.append((t_s, sample.part, sample.cpu_percent, sample.rss_bytes))
                if sample.part == SYSTEM:
                    self._system.append((t_s, sample.cpu_percent))
