"""A second, slower look at the passages found: a model that reads question and passage together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic import Field

from apps.runtime import opea, servers
from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import ServiceBroke, ServiceWrong
from apps.runtime.events import Documents, Event, Passage
from apps.runtime.followup import standalone
from apps.runtime.resources import ModelServer
from apps.runtime.snapshot import scored

TEI_BATCH = 32
"""Texts in one request: what TEI takes at most unless it was started otherwise."""

_wrapped: set[str] = set()
"""Addresses of OPEA's own reranking service; TEI's `/rerank` is asked elsewhere."""

Scores = list[tuple[int, float]]
"""(place of the passage, score), best first."""


class RerankParams(Params):
    server: str
    model: str = ""
    top_n: int = Field(default=3, ge=1, le=50)


async def rerank_openai(step: Step) -> AsyncIterator[Event]:
    async for event in _rerank(step, _by_model_server):
        yield event


async def rerank_opea(step: Step) -> AsyncIterator[Event]:
    async for event in _rerank(step, _by_opea):
        yield event


async def _rerank(step: Step, ask: Any) -> AsyncIterator[Event]:
    """The top_n best passages with the model's scores. None found, none asked about."""
    params = step.given(RerankParams)
    found: tuple[Passage, ...] = step.inputs["passages"]
    query = standalone(step.inputs["question"], step.history)
    scores: Scores = []
    if found:
        server = step.server(params.server)
        scores = await ask(server, params, query, [passage.text for passage in found])
        _check(server, scores, len(found))
    kept = tuple(scored(found[place], score) for place, score in scores[: params.top_n])
    step.outputs = {"passages": kept}
    step.noted = {"passages": len(kept), "of": len(found)}
    yield Documents(step.node, kept)


async def _by_model_server(
    server: ModelServer, params: RerankParams, query: str, texts: Sequence[str]
) -> Scores:
    """As vLLM, Jina, Cohere and LiteLLM speak: {results: [{index, relevance_score}]}."""
    body = {"query": query, "documents": list(texts), "top_n": min(params.top_n, len(texts))}
    if params.model:
        body["model"] = params.model
    limit_s = server.first_token_timeout_s
    answer = await servers.ask(server, "POST", "rerank", body, timeout_s=limit_s)
    return _rows(server, answer.get("results"), ("relevance_score", "score"))


async def _by_opea(
    server: ModelServer, params: RerankParams, query: str, texts: Sequence[str]
) -> Scores:
    """TEI's protocol, or that of the service that OPEA puts before it; which, is learnt once."""
    if server.base_url not in _wrapped:
        try:
            return await _by_tei(server, query, texts)
        except ServiceWrong:
            scores = await _by_wrapper(server, params, query, texts)
        _wrapped.add(server.base_url)
        return scores
    return await _by_wrapper(server, params, query, texts)


async def _by_tei(server: ModelServer, query: str, texts: Sequence[str]) -> Scores:
    scores: Scores = []
    for begin in range(0, len(texts), TEI_BATCH):
        part = list(texts[begin : begin + TEI_BATCH])
        answer = await opea.post(server, "rerank", {"query": query, "texts": part})
        rows = _rows(server, answer, ("score",))
        _check(server, rows, len(part))
        scores += [(begin + place, score) for place, score in rows]
    return sorted(scores, key=lambda row: (-row[1], row[0]))


async def _by_wrapper(
    server: ModelServer, params: RerankParams, query: str, texts: Sequence[str]
) -> Scores:
    """It tells texts and scores, no places: equal texts take the places in their order."""
    docs = [{"text": text} for text in texts]
    body = {"input": query, "retrieved_docs": docs, "top_n": min(params.top_n, len(texts))}
    answer = await opea.post(server, "v1/reranking", body)
    rows = answer.get("reranked_docs") if isinstance(answer, dict) else None
    left = list(enumerate(texts))
    scores: Scores = []
    try:
        for row in rows or ():
            at = next(at for at, (_, text) in enumerate(left) if text == row["text"])
            scores.append((left.pop(at)[0], float(row["score"])))
    except (LookupError, TypeError, ValueError, StopIteration) as error:
        raise _other(server) from error
    if rows is None:
        raise _other(server)
    return scores


def _rows(server: ModelServer, rows: Any, names: Sequence[str]) -> Scores:
    try:
        scores = [
            (int(row["index"]), float(next(row[name] for name in names if name in row)))
            for row in rows
        ]
    except (LookupError, TypeError, ValueError, RuntimeError, StopIteration) as error:
        raise _other(server) from error
    return sorted(scores, key=lambda row: (-row[1], row[0]))


def _check(server: ModelServer, scores: Scores, count: int) -> None:
    places = [place for place, _ in scores]
    if len(set(places)) != len(places) or any(not 0 <= place < count for place in places):
        raise _other(server)


def _other(server: ModelServer) -> ServiceBroke:
    return opea.unfit(server, "its answer is no ranking of the passages it was sent")


RERANK_OPENAI = Adapter("rerank-openai", rerank_openai, RerankParams)
RERANK_OPEA = Adapter("rerank-opea", rerank_opea, RerankParams, ignores=frozenset(("model",)))
