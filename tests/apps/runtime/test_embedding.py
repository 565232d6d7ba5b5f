"""The built-in model gives the published figures; the remote one speaks the protocol."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from apps.runtime import minilm
from apps.runtime.embedding import (
    BUILTIN,
    BuiltinEmbedder,
    RemoteEmbedder,
    UnknownEmbedding,
    load_embedder,
)
from apps.runtime.errors import ServiceUnavailable
from apps.runtime.resources import ModelServer
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.environment import PROJECT


def test_similarities_are_those_the_model_is_known_for(embedder: BuiltinEmbedder) -> None:
    """The example of the model's public page: 0.695, 0.943, 0.257."""
    vectors = embedder.embed(
        [
            "That is a happy person",
            "That is a happy dog",
            "That is a very happy person",
            "Today is a sunny day",
        ]
    )

    assert vectors[1:] @ vectors[0] == pytest.approx([0.695, 0.943, 0.257], abs=1e-3)


def test_vectors_have_length_one(embedder: BuiltinEmbedder) -> None:
    vectors = embedder.embed(["a", "two words", "", "字" * 900, "x " * 5000])

    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_a_text_has_the_same_vector_in_any_company(embedder: BuiltinEmbedder) -> None:
    texts = [f"{'word ' * (n % 40)} number {n}" for n in range(70)]

    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts[::7]])

    assert together[::7] == pytest.approx(alone, abs=2e-6)


def test_no_texts_no_vectors(embedder: BuiltinEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_threads_may_share_it(embedder: BuiltinEmbedder) -> None:
    texts = [f"question {n}" for n in range(24)]
    expected = embedder.embed(texts)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda text: embedder.embed([text])[0], texts))

    assert np.stack(found) == pytest.approx(expected, abs=2e-6)


def test_an_idle_process_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom pathlib import Path\nimport apps.runtime.engine\n"
        "from apps.runtime.embedding import builtin_embedder\n"
        "builtin_embedder(Path('nowhere'))\n"
        "print([m for m in ('onnx', 'onnxruntime', 'tokenizers', 'torch', 'usearch', 'django') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == "[]"


def test_the_graph_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(minilm, "read_safetensors", lambda path: {})
    monkeypatch.setattr(minilm, "build_graph", lambda weights: calls.append(1) or b"graph")

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(minilm.graph_file, [tmp_path] * 4))

    assert calls == [1]
    assert paths.pop().read_bytes() == b"graph"
    assert not list(tmp_path.glob("*.part"))


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no-such-package")

    with pytest.raises(minilm.ModelFilesMissing, match="make setup"):
        minilm.model_file("model.safetensors")


def test_remote_vectors_are_normalised_and_in_order(fake: FakeOpenAI, server: ModelServer) -> None:
    embedder = RemoteEmbedder(server, "fake")
    texts = [f"text {n}" for n in range(150)]

    vectors = embedder.embed(texts)

    assert vectors.shape == (150, 64)
    assert vectors[7] == pytest.approx(embedder.embed(["text 7"])[0])
    assert [len(request.body["input"]) for request in fake.requests].count(64) == 2


def test_remote_dimensions_are_asked_for(server: ModelServer) -> None:
    assert RemoteEmbedder(server, "fake").dimensions == 64


def test_a_remote_failure_is_a_named_one(server: ModelServer) -> None:
    with pytest.raises(ServiceUnavailable):
        RemoteEmbedder(server, "fake-status503").embed(["x"])


def test_embedders_are_found_by_name(tmp_path: Path, server: ModelServer) -> None:
    assert load_embedder(BUILTIN, tmp_path).name == BUILTIN
    assert load_embedder("local:bge:v1", tmp_path, {"local": server}).name == "local:bge:v1"


@pytest.mark.parametrize("name", ["bge", "local:", "other:bge"])
def test_unknown_embedders_are_refused(tmp_path: Path, server: ModelServer, name: str) -> None:
    with pytest.raises(UnknownEmbedding, match=name):
        load_embedder(name, tmp_path, {"local": server})
