"""Values of ports as people type them, and as a run showed them."""

from __future__ import annotations

import json

import pytest

from apps.projects.domain.port_values import PortValueUnfit, port_value
from apps.runtime.preview import preview
from apps.runtime.resources import ModelServer
from apps.runtime.stores.index import Chunks, Index, Vectors


def test_collections_stand_for_their_passages_vectors_and_index() -> None:
    assert port_value("chunks", "hr, it") == Chunks(("hr", "it"))
    assert port_value("chunks", " ") == Chunks()
    assert port_value("vectors", "hr") == Vectors(Chunks(("hr",)), "")
    assert port_value("index", "hr") == Index(("hr",))


def test_what_a_run_showed_can_be_given_again() -> None:
    assert port_value("vectors", json.dumps(preview(Vectors(Chunks(("hr",)), "bge")))) == Vectors(
        Chunks(("hr",)), ""
    )
    assert port_value("index", json.dumps(preview(Index(("hr",))))) == Index(("hr",))


def test_a_store_is_reached_by_a_whole_run_alone() -> None:
    shown = preview(Index(("hr",), ModelServer("vectors", "http://x:6333", "k", kind="qdrant")))

    with pytest.raises(PortValueUnfit, match="only a whole run reaches a vector store"):
        port_value("index", json.dumps(shown))
    with pytest.raises(PortValueUnfit, match="it names no collections"):
        port_value("index", '{"collections": 3}')
    with pytest.raises(PortValueUnfit, match="it is not JSON"):
        port_value("chunks", "{hr")
