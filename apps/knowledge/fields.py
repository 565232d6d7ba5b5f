"""One embedding column for both databases: float32 bytes on SQLite, pgvector's `vector` on PostgreSQL."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray
from pgvector import Vector


class EmbeddingField(models.Field):  # type: ignore[type-arg]
    """A float32 vector of any length, read back as a numpy array of shape (dimensions,)."""

    description = "An embedding"

    def db_type(self, connection: Any) -> str:
        return "vector" if connection.vendor == "postgresql" else "blob"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        array = np.asarray(value, dtype=np.float32)
        return Vector(array).to_text() if connection.vendor == "postgresql" else array.tobytes()

    def from_db_value(
        self, value: Any, expression: Any, connection: Any
    ) -> NDArray[np.float32] | None:
        if value is None:
            return None
        if isinstance(value, (bytes, memoryview)):
            return np.frombuffer(value, dtype=np.float32)
        if isinstance(value, str):
            return Vector.from_text(value).to_numpy()
        return np.asarray(value, dtype=np.float32)
