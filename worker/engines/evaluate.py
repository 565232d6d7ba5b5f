"""Asks an application every question of a dataset and scores the answers.

Plan: {app, k, concurrency, timeout_s, questions: [{ordinal, text, references, relevant, evidence}]}.
Events: ready, sample (one per question, in order of completion). A question that fails is a sample
with an error; only a model server that is gone ends the run early, by an error event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from apps.evaluations.domain.scoring import Item, failed_metrics, score
from apps.evaluations.domain.verdicts import Verdict
from apps.evaluations.errors import ApplicationDown
from apps.runtime.engine import run
from apps.runtime.errors import ServiceUnavailable, StudioError
from apps.runtime.events import Answer, Documents, Passage, Token
from apps.runtime.http import close_sessions
from apps.runtime.resources import RunRequest, Turn
from worker.engines.app import App, load_app, with_k
from worker.engines.lines import Emit, emit, read_plan, run_engine

DOWN_AFTER = 8
"""Unreachable model server: so many failures in a row end the run instead of all its questions."""


class _Evaluation:
    def __init__(self, app: App, plan: Mapping[str, Any], emit: Emit) -> None:
        self.app, self.plan, self.emit = app, plan, emit
        self.graph = with_k(app.graph, plan["k"])
        self.slots = asyncio.Semaphore(plan["concurrency"])
        self.down = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for question in self.plan["questions"]:
                await self.slots.acquire()
                group.create_task(self._one(question))

    async def _one(self, question: Mapping[str, Any]) -> None:
        try:
            self.emit({"type": "sample", **await self._sample(question)})
        finally:
            self.slots.release()

    async def _sample(self, question: Mapping[str, Any]) -> dict[str, Any]:
        item = Item(
            question["text"], question["references"], question["relevant"], question["evidence"]
        )
        started = time.perf_counter()
        base = {"ordinal": question["ordinal"]}
        try:
            async with asyncio.timeout(self.plan["timeout_s"]):
                answer, passages, ttft_ms = await self._ask(item.text)
            self.down = 0
        except TimeoutError:
            message = f"No complete answer within {self.plan['timeout_s']:g} s."
            return base | _failed(item, "evaluations.timeout", message, started)
        except StudioError as error:
            self._count_down(error)
            return base | _failed(item, error.code, str(error), started)
        except Exception as error:  # noqa: BLE001 - one bad sample must not end the others
            message = f"{type(error).__name__}: {error}"
            return base | _failed(item, "evaluations.sample-crashed", message, started)
        return base | _scored(item, answer, passages, ttft_ms, started, self.plan["k"])

    async def _ask(self, question: str) -> tuple[Answer, list[Passage], float | None]:
        started = time.perf_counter()
        passages: list[Passage] = []
        ttft_ms: float | None = None
        answer = Answer("")
        request = RunRequest([Turn("user", question)])
        async with aclosing(run(self.graph, request, self.app.resources)) as events:
            async for event in events:
                if isinstance(event, Documents):
                    passages = list(event.passages)
                elif isinstance(event, Token) and ttft_ms is None:
                    ttft_ms = (time.perf_counter() - started) * 1e3
                elif isinstance(event, Answer):
                    answer = event
        return answer, passages, ttft_ms

    def _count_down(self, error: StudioError) -> None:
        self.down = self.down + 1 if isinstance(error, ServiceUnavailable) else 0
        if self.down >= DOWN_AFTER:
            raise ApplicationDown(count=self.down, reason=str(error))


def _scored(
    item: Item,
    answer: Answer,
    passages: list[Passage],
    ttft_ms: float | None,
    started: float,
    k: int,
) -> dict[str, Any]:
    result = score(item, answer.text, [(one.document, one.text) for one in passages], k)
    return {
        "answer": answer.text,
        "citations": [
            {"number": one.number, "chunk_id": one.passage.chunk_id, "quote": one.quote}
            for one in answer.citations
        ],
        "passages": [
            asdict(passage) | {"right": index in result.right_passages}
            for index, passage in enumerate(passages)
        ],
        "metrics": result.metrics,
        "details": {
            "unsupported": list(result.unsupported),
            "quoted": result.quoted,
            "reference_recall": result.reference_recall,
            "model": answer.model,
            "generated": answer.generated,
            "completion_tokens": answer.completion_tokens,
        },
        "verdict": result.verdict.value,
        "reason": result.reason,
        "error_code": "",
        "error_message": "",
        "ttft_ms": ttft_ms,
        "duration_ms": (time.perf_counter() - started) * 1e3,
    }


def _failed(item: Item, code: str, message: str, started: float) -> dict[str, Any]:
    return {
        "answer": "",
        "citations": [],
        "passages": [],
        "metrics": failed_metrics(item),
        "details": {},
        "verdict": Verdict.ERROR.value,
        "reason": "The application failed on this question.",
        "error_code": code,
        "error_message": message[:2000],
        "ttft_ms": None,
        "duration_ms": (time.perf_counter() - started) * 1e3,
    }


async def evaluate(plan: Mapping[str, Any], emit: Emit) -> None:
    app = await load_app(plan["app"])
    emit({"type": "ready"})
    try:
        await _Evaluation(app, plan, emit).run()
    except* StudioError as errors:
        raise errors.exceptions[0] from None
    finally:
        await close_sessions()


def main() -> None:
    run_engine(evaluate(read_plan(), emit))


if __name__ == "__main__":
    main()
