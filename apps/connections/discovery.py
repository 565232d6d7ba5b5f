"""Looks for model servers and vector stores on this machine: the ports that the usual ones listen on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apps.connections.domain.probe import list_models
from apps.runtime.errors import StudioError
from apps.runtime.resources import ModelServer, ServerKind
from apps.runtime.stores.opening import close_stores, open_store

HOST = "127.0.0.1"
TIMEOUT_S = 1.5
PORTS = {
    11434: "Ollama",
    8000: "vLLM",
    8080: "llama.cpp or TGI",
    8081: "LocalAI or TEI",
    1234: "LM Studio",
    8001: "vLLM",
    9009: "OPEA vLLM",
    9000: "OPEA LLM microservice",
    8008: "OPEA TGI",
    8028: "OPEA CodeGen",
    1337: "Jan",
    4891: "GPT4All",
    5000: "Text Generation WebUI",
    5001: "KoboldCpp",
    30000: "SGLang",
    8120: "Practice server",
}
"""Usual server by port. A hint only; what answers says itself who it is where it can."""
STORES: dict[int, ServerKind] = {6379: "redis", 6333: "qdrant", 19530: "milvus"}
"""PostgreSQL is not looked for: it says nothing without a user."""
OWNERS = {
    "vllm": "vLLM",
    "llamacpp": "llama.cpp",
    "library": "Ollama",
    "sglang": "SGLang",
    "genai-studio": "",
    "practice": "Practice server",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A server that listed its models, or a store that can search vectors, without a key.

    kind    a guess from its port and words
    speaks  the kind of connection that it would be
    """

    base_url: str
    kind: str
    models: tuple[str, ...]
    speaks: ServerKind = "openai"

    @property
    def suggested_name(self) -> str:
        words = self.kind.lower().replace(".", "-").split(" or ")[0]
        return "-".join(words.split())


async def look_around(skip_ports: frozenset[int] = frozenset()) -> list[Found]:
    """Every port at once, 1.5 s at most. skip_ports: the studio's own."""
    ports = [port for port in PORTS if port not in skip_ports]
    found = await asyncio.gather(
        *(_look(port) for port in ports), *(_look_for_store(port) for port in STORES)
    )
    await close_stores()
    return [one for one in found if one]


async def _look_for_store(port: int) -> Found | None:
    kind = STORES[port]
    base_url = f"{'redis' if kind == 'redis' else 'http'}://{HOST}:{port}"
    server = ModelServer("found", base_url, connect_timeout_s=TIMEOUT_S / 2, kind=kind)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            about = await open_store(server).about()
    except (StudioError, TimeoutError):
        return None
    return Found(base_url, f"{about.product} {about.version}".strip(), (), kind)


async def _look(port: int) -> Found | None:
    base_url = f"http://{HOST}:{port}/v1"
    answer = await list_models(base_url, timeout_s=TIMEOUT_S)
    if answer is None:
        return None
    models, owner = answer
    return Found(base_url, OWNERS.get(owner.lower(), "") or PORTS[port], tuple(models))
