"""BM25 by hand, fusion by hand, and an index that is the same however it came about."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runtime import retrieval
from apps.runtime.lexical import LexicalIndex
from apps.runtime.retrieval import HybridIndex, fuse
from tests.servers.environment import PROJECT

TEXTS = ["the cat sat", "the cat chased the other cat", "dogs bark"]
WORDS = st.lists(st.sampled_from(["cat", "dog", "bird", "fish", "run", "max_tokens"]), max_size=8)


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_bm25_equals_the_hand_computed_scores() -> None:
    scores = LexicalIndex.build(TEXTS).scores("cat")

    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    average = (3 + 6 + 2) / 3
    first = idf * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / average))
    second = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 6 / average))
    assert scores == pytest.approx([first, second, 0.0], rel=1e-6)


def test_bm25_adds_up_over_terms() -> None:
    index = LexicalIndex.build(TEXTS)

    assert index.scores("cat sat") == pytest.approx(index.scores("cat") + index.scores("sat"))


def test_unknown_words_find_nothing() -> None:
    assert HybridIndex(["a", "b", "c"], TEXTS).search("zebra", None, "lexical", 5) == []


def test_an_empty_index_answers() -> None:
    assert HybridIndex([], []).search("cat", None, "hybrid", 5) == []


def test_dense_ranks_by_cosine() -> None:
    index = HybridIndex(["a", "b", "c"], TEXTS, unit((1, 0), (0, 1), (1, 1)))

    ranking = index.search("", unit((1, 0.1))[0], "dense", 2)

    assert [name for name, _ in ranking] == ["a", "c"]
    assert ranking[0][1] == pytest.approx(1 / math.sqrt(1.01))


def test_fusion_equals_the_hand_computed_scores() -> None:
    left, right = [("a", 9.0), ("b", 1.0)], [("b", 0.3), ("c", 0.2)]

    assert fuse([left, right]) == [
        ("b", pytest.approx(1 / 62 + 1 / 61)),
        ("a", pytest.approx(1 / 61)),
        ("c", pytest.approx(1 / 62)),
    ]


def test_ties_are_settled_by_id() -> None:
    index = HybridIndex(["c", "a", "b"], ["same"] * 3, unit((1, 0), (1, 0), (1, 0)))
    vector = unit((1, 0))[0]

    for mode in ("lexical", "dense", "hybrid"):
        found = index.search("same", vector, mode, 2)  # type: ignore[arg-type]
        assert [name for name, _ in found] == ["a", "b"]


def test_hybrid_without_a_vector_is_lexical() -> None:
    index = HybridIndex(["a", "b", "c"], TEXTS, unit((1, 0), (0, 1), (1, 1)))

    assert index.search("dog", None, "hybrid", 3) == index.search("dog", None, "lexical", 3)


def test_a_ranking_from_outside_is_taken() -> None:
    index = HybridIndex(["a", "b", "c"], TEXTS, dense_ranking=lambda vector, n: [("c", 0.9)])

    assert index.search("", np.ones(2, np.float32), "dense", 3) == [("c", 0.9)]
    found = dict(index.search("cat", np.ones(2, np.float32), "hybrid", 3))
    assert set(found) == {"a", "b", "c"}


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, max_size=5), st.data())
def test_a_changed_index_equals_a_new_one(
    old: list[list[str]], new: list[list[str]], data: st.DataObject
) -> None:
    texts = [" ".join(words) for words in old + new]
    ids = [f"id{number}" for number in range(len(texts))]
    vectors = unit(*[(1.0, float(number)) for number in range(len(texts))])
    gone = data.draw(st.sets(st.sampled_from(ids[: len(old)])))
    kept = [at for at, name in enumerate(ids) if name not in gone]
    first = HybridIndex(ids[: len(old)], texts[: len(old)], vectors[: len(old)])

    changed = first.changed(
        remove=gone, ids=ids[len(old) :], texts=texts[len(old) :], vectors=vectors[len(old) :]
    )
    anew = HybridIndex([ids[at] for at in kept], [texts[at] for at in kept], vectors[kept])

    assert changed.ids == anew.ids
    for question in ("cat", "dog tokens", "fish run"):
        left = changed.search(question, vectors[0], "hybrid", 5)
        right = anew.search(question, vectors[0], "hybrid", 5)
        assert [name for name, _ in left] == [name for name, _ in right]
        assert changed.lexical.scores(question) == pytest.approx(anew.lexical.scores(question))


def test_a_saved_index_answers_the_same(tmp_path: Path) -> None:
    index = HybridIndex(["a", "b", "c"], TEXTS, unit((1, 0), (0, 1), (1, 1)))
    index.save(tmp_path / "index")
    index.save(tmp_path / "index")

    loaded = HybridIndex.load(tmp_path / "index")

    vector = unit((0.5, 1))[0]
    assert loaded.search("cat", vector, "hybrid", 3) == index.search("cat", vector, "hybrid", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_broken_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="meta"):
        HybridIndex.load(tmp_path)


def test_the_approximate_index_finds_what_the_exact_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    vectors = random.standard_normal((2000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, texts = [f"{n:05}" for n in range(2000)], [""] * 2000
    exact = HybridIndex(ids, texts, vectors)
    monkeypatch.setattr(retrieval, "EXACT_LIMIT", 100)
    approximate = HybridIndex(ids, texts, vectors)
    approximate.save(tmp_path / "index")
    loaded = HybridIndex.load(tmp_path / "index")

    shared = 0
    for vector in vectors[:50]:
        truth = {name for name, _ in exact.search("", vector, "dense", 10)}
        found = approximate.search("", vector, "dense", 10)
        assert found == loaded.search("", vector, "dense", 10)
        shared += len(truth & {name for name, _ in found})
    assert shared / 500 > 0.95


def test_the_approximate_index_follows_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "EXACT_LIMIT", 50)
    random = np.random.default_rng(3)
    vectors = random.standard_normal((300, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{n:04}" for n in range(300)]
    index = HybridIndex(ids[:200], [""] * 200, vectors[:200])

    for first in (200, 250):
        new = slice(first, first + 50)
        index = index.changed(
            remove=ids[first - 200 : first - 150],
            ids=ids[new],
            texts=[""] * 50,
            vectors=vectors[new],
        )

    assert index.ids == ids[100:]
    for place in range(0, 300, 7):
        best = index.search("", vectors[place], "dense", 1)[0]
        assert (best == (ids[place], pytest.approx(1.0, abs=1e-5))) == (place >= 100)


def test_texts_can_be_embedded_in_a_process_that_loaded_a_large_index_first() -> None:
    code = (
        "import numpy as np\nfrom apps.runtime import retrieval\n"
        "retrieval.EXACT_LIMIT = 2\nvectors = np.eye(4, dtype=np.float32)\n"
        "retrieval.HybridIndex(list('abcd'), [''] * 4, vectors).search('', vectors[0], 'dense', 1)\n"
        "import onnxruntime, onnx, tokenizers\nprint('alive')"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True
    )

    assert (result.returncode, result.stdout) == (0, "alive\n"), result.stderr


def test_numbers_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in number"):
        HybridIndex(["a"], ["x", "y"])
