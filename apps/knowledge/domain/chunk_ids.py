"""Ids of chunks whose order follows content, so that equal scores are settled alike everywhere."""

from __future__ import annotations

import os
from hashlib import sha256
from uuid import UUID


def new_chunk_id(document: str, ordinal: int, text: str) -> UUID:
    """A new, unique id. Its first half is of the content, its second half of chance.

    Search settles equal scores by id. With wholly random ids the same documents, indexed again in a
    package, would give the same passages in another order.
    """
    content = f"{document}\0{ordinal}\0{text}".encode("utf-8", "surrogatepass")
    return UUID(bytes=sha256(content).digest()[:8] + os.urandom(8))
