"""Which model embeds a collection, here and in the engine.

Models of a connection are looked up by `settings.KNOWLEDGE_SERVERS`, a dotted path to
`function(owner, connection_name) -> ModelServer`; without it only the built-in model is there.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.knowledge.models import Collection
from apps.runtime.embedding import BUILTIN, Embedder, load_embedder
from apps.runtime.resources import ModelServer


def embedding_plan(collection: Collection) -> dict[str, Any]:
    """The engine's share of a plan. It goes through stdin, so keys are in no process list."""
    return {
        "name": collection.embedding_model,
        "cache_dir": str(model_cache()),
        "servers": [asdict(server) for server in _servers(collection)],
    }


def embedder_for(collection: Collection, cache_dir: Path | None = None) -> Embedder:
    """Raises UnknownEmbedding, or what the connection's lookup raises."""
    servers = {server.name: server for server in _servers(collection)}
    return load_embedder(collection.embedding_model, cache_dir or model_cache(), servers)


def built_in() -> Embedder:
    """The embedding model that needs no connection; loaded when it is first used."""
    return load_embedder(BUILTIN, model_cache(), {})


def model_cache() -> Path:
    return Path(settings.MODEL_CACHE)


def _servers(collection: Collection) -> list[ModelServer]:
    lookup = getattr(settings, "KNOWLEDGE_SERVERS", "")
    if collection.embedding_model == BUILTIN or not lookup:
        return []
    connection, _, _ = collection.embedding_model.partition(":")
    return [import_string(lookup)(collection.owner, connection)]
