"""Generates load on an OpenAI-compatible application and records every token's time.

Plan: {url, token, profile}. Events: ready, tick (each second), requests (batches of records), result.

What makes the figures true: one event loop with nothing else in it, chunks stamped with
perf_counter_ns as they are read and parsed only after their request ended, garbage collection frozen, starts
ramped or planned beforehand, and the generator's own lag, lateness and CPU measured with them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import queue
import random
import sys
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
import orjson

from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.domain.schedule import open_schedule, ramp
from apps.benchmarks.domain.stream import ParsedStream, parse_stream
from worker.engines.lines import Emit, read_plan, run_async

MAX_IN_FLIGHT = 512
"""Open-loop requests beyond this wait their turn; their latency counts from the intended start."""
FLUSH_S = 0.5
LAG_STEP_S = 0.005
FAILURE_PAUSE_S = 0.2
"""A closed-loop user waits so long after a failure: a dead server is not to be hammered."""
CUT_AFTER = (2, 20)
"""A request that is cut on purpose is cut after so many reads."""


@dataclass
class _Trace:
    """One request under way; times are perf_counter_ns."""

    index: int
    intended: int
    start: int = 0
    end: int = 0
    chunks: list[tuple[int, bytes]] = field(default_factory=list)
    status: str = "ok"
    cause: str = ""
    http_status: int = 0


class Generator:
    """One run of a profile against `url` (…/v1/chat/completions)."""

    def __init__(
        self, url: str, token: str, profile: Profile, emit: Emit, model: str = "app"
    ) -> None:
        self.url, self.profile, self.emit, self.model = url, profile, emit, model
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self.bodies = self._bodies()
        self.zero = 0
        self.sent = 0
        self.in_flight = 0
        self.connections = 0
        self.batch: list[dict[str, Any]] = []
        self.lags: list[float] = []
        self.lateness: list[float] = []
        self.cpu_marks: list[tuple[float, float]] = []
        self.slots = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def run(self) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(self._connected)
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=3600, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, trace_configs=[trace], auto_decompress=False
        ) as self.session:
            self.emit({"type": "ready", "pid": os.getpid()})
            gc.collect()
            gc.freeze()
            gc.disable()
            self.zero = time.perf_counter_ns()
            monitors = [asyncio.create_task(self._watch()), asyncio.create_task(self._report())]
            await self._drive()
            for monitor in monitors:
                monitor.cancel()
            gc.enable()
        self._flush()
        self.emit(self._result())

    async def _drive(self) -> None:
        starters = self._users() if self.profile.mode == "closed" else [self._arrivals()]
        running = {asyncio.create_task(starter) for starter in starters}
        self.requests: set[asyncio.Task[None]] = set()
        limit = self.profile.total_s + self.profile.drain_s - self._now()
        deadline = asyncio.get_running_loop().time() + limit
        while pending := running | self.requests:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                running.discard(task)
                task.result()
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _users(self) -> list[Coroutine[Any, Any, None]]:
        starts = ramp(self.profile.concurrency, self.profile.warmup_s)
        return [self._user(start) for start in starts]

    async def _user(self, start_s: float) -> None:
        """One user of a closed loop: ask, wait for the whole answer, ask again."""
        await self._sleep_until(start_s)
        while self._now() < self.profile.total_s:
            if not await self._request(time.perf_counter_ns()):
                await asyncio.sleep(FAILURE_PAUSE_S)

    async def _arrivals(self) -> None:
        """An open loop: requests start at their times, whatever became of the earlier ones."""
        profile = self.profile
        times = open_schedule(
            profile.rate_rps, profile.warmup_s, profile.duration_s, profile.arrival, profile.seed
        )
        for at in times:
            await self._sleep_until(at)
            task = asyncio.create_task(self._arrival(self.zero + int(at * 1e9)))
            self.requests.add(task)
            task.add_done_callback(self.requests.discard)

    async def _arrival(self, intended: int) -> None:
        async with self.slots:
            await self._request(intended)

    async def _request(self, intended: int) -> bool:
        """Send one request and record it; False if it failed."""
        trace = _Trace(self.sent, intended)
        self.sent += 1
        self.in_flight += 1
        try:
            await self._exchange(trace)
        except asyncio.CancelledError:
            trace.status, trace.cause = "failed", "not finished by the end of the drain"
            raise
        except TimeoutError:
            trace.status, trace.cause = "failed", f"no answer within {self.profile.timeout_s:g} s"
        except aiohttp.ClientConnectorError:
            trace.status, trace.cause = "failed", "connection refused"
        except aiohttp.ServerDisconnectedError:
            trace.status, trace.cause = "failed", "connection closed before a byte"
        except (aiohttp.ClientPayloadError, ConnectionResetError):
            trace.status, trace.cause = "truncated", "connection broken in the middle"
        except aiohttp.ClientError as error:
            trace.status, trace.cause = "failed", type(error).__name__
        finally:
            trace.end = trace.end or time.perf_counter_ns()
            self.in_flight -= 1
            self._record(trace)
        return trace.status in {"ok", "cancelled"}

    async def _exchange(self, trace: _Trace) -> None:
        cut_after = self._cut_after(trace.index)
        body = self.bodies[trace.index % len(self.bodies)]
        chunks, clock = trace.chunks, time.perf_counter_ns
        async with asyncio.timeout(self.profile.timeout_s):
            trace.start = clock()
            async with self.session.post(self.url, data=body, headers=self.headers) as response:
                trace.http_status = response.status
                async for chunk in response.content.iter_any():
                    chunks.append((clock(), chunk))
                    if len(chunks) == cut_after:
                        trace.status, trace.cause = "cancelled", "cut on purpose"
                        trace.end = clock()
                        response.close()
                        return
        trace.end = clock()

    def _cut_after(self, index: int) -> int:
        if not self.profile.cancel_share:
            return 0
        chance = random.Random(self.profile.seed * 1_000_003 + index)  # noqa: S311 - a load pattern
        return chance.randint(*CUT_AFTER) if chance.random() < self.profile.cancel_share else 0

    def _record(self, trace: _Trace) -> None:
        if not trace.start:
            trace.start = trace.end
        parsed = parse_stream(trace.chunks)
        if trace.status == "ok":
            trace.status, trace.cause = _verdict(trace, parsed)
        trace.chunks = []
        start = trace.start
        if self.profile.warmup_s * 1e9 <= trace.intended - self.zero:
            self.lateness.append((start - trace.intended) / 1e6)
        self.batch.append(
            {
                "index": trace.index,
                "intended_s": (trace.intended - self.zero) / 1e9,
                "start_s": (start - self.zero) / 1e9,
                "end_s": (trace.end - self.zero) / 1e9,
                "token_us": [(at - start) // 1000 for at in parsed.times_ns],
                "tokens": parsed.completion_tokens or len(parsed.times_ns),
                "counted": parsed.completion_tokens is not None,
                "prompt_tokens": parsed.prompt_tokens or 0,
                "status": trace.status,
                "cause": trace.cause,
                "http_status": trace.http_status,
            }
        )

    async def _watch(self) -> None:
        """Measure how late this loop wakes up, and the CPU it used, within the window."""
        start, end = self.profile.warmup_s, self.profile.total_s
        await self._sleep_until(start)
        self._mark()
        while (now := self._now()) < end:
            due = now + LAG_STEP_S
            await asyncio.sleep(LAG_STEP_S)
            self.lags.append(max(0.0, self._now() - due) * 1e3)
        self._mark()

    async def _report(self) -> None:
        flushes = 0
        while True:
            await asyncio.sleep(FLUSH_S)
            self._flush()
            flushes += 1
            if flushes % round(1 / FLUSH_S) == 0:
                self.emit(
                    {
                        "type": "tick",
                        "t_s": self._now(),
                        "sent": self.sent,
                        "in_flight": self.in_flight,
                    }
                )

    def _flush(self) -> None:
        if self.batch:
            self.emit({"type": "requests", "items": self.batch})
            self.batch = []

    def _result(self) -> dict[str, Any]:
        if len(self.cpu_marks) < 2:
            self._mark()
        (wall_0, cpu_0), (wall_1, cpu_1) = self.cpu_marks[0], self.cpu_marks[-1]
        return {
            "type": "result",
            "ended_s": self._now(),
            "sent": self.sent,
            "client": {
                "lag_p50_ms": _percentile(self.lags, 50),
                "lag_p99_ms": _percentile(self.lags, 99),
                "late_p99_ms": _percentile(self.lateness, 99),
                "cpu_percent": round(100 * (cpu_1 - cpu_0) / max(wall_1 - wall_0, 1e-9), 1),
                "connections": self.connections,
            },
        }

    def _bodies(self) -> list[bytes]:
        """One request body per prompt, in an order of the seed's, so that repeats are far apart."""
        prompts = list(self.profile.prompts)
        random.Random(self.profile.seed).shuffle(prompts)  # noqa: S311 - an order, no secret
        return [
            orjson.dumps(
                {
                    "model": self.model,
                    "messages": [{"role": "user", "content": prompt}],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                    "max_tokens": self.profile.max_tokens,
                }
            )
            for prompt in prompts
        ]

    async def _connected(self, *_: Any) -> None:
        self.connections += 1

    def _mark(self) -> None:
        self.cpu_marks.append((time.perf_counter(), time.process_time()))

    def _now(self) -> float:
        return (time.perf_counter_ns() - self.zero) / 1e9

    async def _sleep_until(self, at_s: float) -> None:
        if (delay := at_s - self._now()) > 0:
            await asyncio.sleep(delay)


def _verdict(trace: _Trace, parsed: ParsedStream) -> tuple[str, str]:
    if trace.http_status >= 400:
        return "failed", f"HTTP {trace.http_status}"
    if parsed.error:
        return "failed", f"error in the stream: {parsed.error}"
    if not parsed.complete:
        return "truncated", "ended without finish_reason and [DONE]"
    return "ok", ""


def _percentile(values: list[float], q: int) -> float:
    return round(float(np.percentile(values, q)), 3) if values else 0.0


class _Writer:
    """Writes events from a thread, so that a slow reader never holds up the loop."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._write, daemon=True)
        self.thread.start()

    def emit(self, event: dict[str, Any]) -> None:
        self.events.put(event)

    def close(self) -> None:
        self.events.put(None)
        self.thread.join(30)

    def _write(self) -> None:
        while (event := self.events.get()) is not None:
            sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
            sys.stdout.buffer.flush()


async def _generate(plan: dict[str, Any], emit: Emit) -> None:
    profile = Profile.model_validate(plan["profile"])
    await Generator(plan["url"], plan["token"], profile, emit, plan.get("model", "app")).run()


def main() -> None:
    plan = read_plan()
    writer = _Writer()
    run_async(_generate(plan, writer.emit))
    writer.close()


if __name__ == "__main__":
    main()
