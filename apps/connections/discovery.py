"""Looks for model servers on this machine: the ports that the usual ones listen on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apps.connections.domain.probe import list_models

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
    """A server that listed its models without a key. kind is a guess from its port and words."""

    base_url: str
    kind: str
    models: tuple[str, ...]

    @property
    def suggested_name(self) -> str:
        words = self.kind.lower().replace(".", "-").split(" or ")[0]
        return "-".join(words.split())


async def look_around(skip_ports: frozenset[int] = frozenset()) -> list[Found]:
    """Every port at once, 1.5 s at most. skip_ports: the studio's own."""
    ports = [port for port in PORTS if port not in skip_ports]
    found = await asyncio.gather(*(_look(port) for port in ports))
    return [one for one in found if one]


async def _look(port: int) -> Found | None:
    base_url = f"http://{HOST}:{port}/v1"
    answer = await list_models(base_url, timeout_s=TIMEOUT_S)
    if answer is None:
        return None
    models, owner = answer
    return Found(base_url, OWNERS.get(owner.lower(), "") or PORTS[port], tuple(models))
