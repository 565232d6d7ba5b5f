from __future__ import annotations

from django.db import models


class EndpointKind(models.TextChoices):
    """What a connection speaks; `runtime.resources.ServerKind` has the same values."""

    OPENAI = "openai", "Model server (OpenAI protocol)"
    OPEA = "opea", "OPEA microservice or TEI"
    HTTP = "http", "Other HTTP service, for tools"
    REDIS = "redis", "Vector store: Redis"
    QDRANT = "qdrant", "Vector store: Qdrant"
    MILVUS = "milvus", "Vector store: Milvus"
    PGVECTOR = "pgvector", "Vector store: PostgreSQL with pgvector"


SERVING = (EndpointKind.OPENAI, EndpointKind.OPEA)
"""Kinds that a model may stand behind."""
