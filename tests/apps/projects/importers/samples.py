"""The files under tests/data/imports, and what they are made into."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from apps.projects.domain.importers.importing import Imported, import_bytes
from tests.servers.environment import PROJECT

FOLDER = PROJECT / "tests" / "data" / "imports"
SAMPLES = sorted(path for path in FOLDER.iterdir() if path.is_file())
SECRETS = (
    "hf_HarbourTokenForTests77",
    "hf_PierTokenForTests00",
    "sk-agents-own-key-0123456789",
    "Pa55-of-the-harbour",
    "moon-secret-value",
    "tok-8842-canoe-secret",
    "ww-55-harbour-99",
    "bearer-key-4711",
)
"""Every secret that stands in one of them."""


@cache
def imported(name: str) -> Imported:
    path = FOLDER / name
    return import_bytes(path.read_bytes(), Path(name).stem)


def said(result: Imported, code: str) -> list[str]:
    return [note.message for note in result.notes if note.code == code]


def edges(result: Imported) -> set[str]:
    assert result.spec is not None
    assert result.spec.spec.flow is not None
    return {f"{one.source} > {one.target}" for one in result.spec.spec.flow.edges}


def nodes(result: Imported) -> dict[str, str]:
    """From id to component."""
    assert result.spec is not None
    assert result.spec.spec.flow is not None
    return {node.id: node.component for node in result.spec.spec.flow.nodes}


def heavy() -> dict[str, str]:
    """Files at the limits, each of which takes a different part of the way to them."""
    wires = [f"{{{{n_{at}.data.instance}}}}" for at in range(450, 500)]
    chain = [
        {
            "id": f"n_{at}",
            "name": "llm_tgi",
            "inputs": {"text": f"{{{{n_{at - 1}.data.instance}}}}"},
        }
        for at in range(500)
    ]
    mesh = [{"id": f"n_{at}", "name": "moon", "inputs": {"a": wires}} for at in range(500)]
    fields = {f"temperatur{at:05}": at for at in range(50_000)}
    secrets = [{"password": f"secret-number-{at}", "note": "x" * 30} for at in range(12_000)]
    jumps = [{"name": "Llm", "nodeName": "root"}] * 20_000
    connector = {"root": {"routerType": "Switch", "steps": jumps}}
    return {
        "chain": json.dumps({"nodes": chain}),
        "mesh": json.dumps({"nodes": mesh}),
        "keys": json.dumps({"nodes": [{"id": "a", "name": "llm_tgi", "inputs": fields}]}),
        "secrets": json.dumps({"nodes": [], "more": secrets}),
        "edges": json.dumps(
            {"nodes": chain, "edges": [{"source": "n_1", "target": "n_3"}] * 19_000}
        ),
        "jumps": json.dumps({"kind": "GMConnector", "spec": {"nodes": connector}}),
        "text": json.dumps(
            {"app": {"mode": "chat", "name": "a"}, "model_config": {"pre_prompt": "a-" * 900_000}}
        ),
        "braces": json.dumps(
            {"app": {"mode": "chat"}, "model_config": {"pre_prompt": "{{" * 900_000}}
        ),
        "yaml": "app:\n" + "  - a\n" * 340_000,
        "quotes": 'app: "' + "\\\\" * 1_000_000,
        "colons": "a: " * 690_000,
        "brackets": "[" + "[]," * 690_000,
        "spaces": "app:" + " " * 2_000_000 + "x",
        "keywords": "password: " + "x" * 2_000_000,
        "reference": json.dumps(
            {"app": {"mode": "chat"}, "model_config": {"pre_prompt": "{{" + " " * 19_000}}
        ),
        "token": json.dumps(
            {"app": {"mode": "chat"}, "model_config": {"pre_prompt": "eyJ-" * 400_000}}
        ),
        "endpoint": json.dumps(
            {
                "kind": "GMConnector",
                "spec": {
                    "nodes": {
                        "root": {
                            "steps": [
                                {
                                    "name": "Llm",
                                    "internalService": {
                                        "config": {"ENDPOINT_" * 200_000 + "!": "x"}
                                    },
                                }
                            ]
                        }
                    }
                },
            }
        ),
        "url": json.dumps({"app": {"mode": "chat", "description": "a://" + "b:" * 900_000}}),
    }


def lines(result: Imported) -> str:
    """The notes, one a line with its place."""
    rows = [
        f"{one.line}:{one.column} {one.severity} {one.code} {one.message}" for one in result.notes
    ]
    return "\n".join(rows) + "\n"
