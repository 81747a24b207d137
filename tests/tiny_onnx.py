"""ONNX files written by hand, for tests: the few protobuf messages that they need.

Field numbers are those of onnx.proto3: ModelProto (ir_version 1, graph 7, opset_import 8),
GraphProto (node 1, name 2, initializer 5, input 11, output 12), NodeProto (input 1,
output 2, op_type 4, attribute 5), TensorProto (dims 1, data_type 2, name 8, raw_data 9).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FLOAT = 1


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(_number(1, d) for d in array.shape)
    return dims + _number(2, FLOAT) + _bytes(8, name) + _bytes(9, array.astype("<f4").tobytes())


def _value(name: str, shape: tuple) -> bytes:
    dims = b"".join(_bytes(1, _number(1, d) if isinstance(d, int) else _bytes(2, d)) for d in shape)
    kind = _number(1, FLOAT) + _bytes(2, dims)
    return _bytes(1, name) + _bytes(2, _bytes(1, kind))


def _node(op: str, inputs: list[str], outputs: list[str], **attributes: str | int) -> bytes:
    parts = [_bytes(1, name) for name in inputs] + [_bytes(2, name) for name in outputs]
    parts.append(_bytes(4, op))
    for name, value in attributes.items():
        if isinstance(value, int):  # AttributeProto: name 1, i 3, s 4, type 20 (INT 2, STRING 3)
            parts.append(_bytes(5, _bytes(1, name) + _number(3, value) + _number(20, 2)))
        else:
            parts.append(_bytes(5, _bytes(1, name) + _bytes(4, value) + _number(20, 3)))
    return b"".join(parts)


def _model(nodes: list[bytes], tensors: list[bytes], given: bytes, found: list[bytes]) -> bytes:
    graph = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "tiny")
    graph += b"".join(_bytes(5, t) for t in tensors) + _bytes(11, given)
    graph += b"".join(_bytes(12, f) for f in found)
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))


def write_linear(
    file: Path, weight: np.ndarray, bias: np.ndarray, *, shape=("n", 3, "h", "w"), split: int | None = None
) -> Path:
    """A classifier on mean colours: (n, 3, H, W) to ``weight @ means + bias``.

    With `split` its outputs come as two, the first with that many columns.
    """
    nodes = [
        _node("GlobalAveragePool", ["input"], ["pooled"]),
        _node("Flatten", ["pooled"], ["means"], axis=1),
    ]
    tensors, found = [], []
    ends = [(0, len(bias))] if split is None else [(0, split), (split, len(bias))]
    for i, (a, b) in enumerate(ends):
        nodes.append(_node("Gemm", ["means", f"w{i}", f"b{i}"], [f"out{i}"], transB=1))
        tensors += [_tensor(f"w{i}", weight[a:b]), _tensor(f"b{i}", bias[a:b])]
        found.append(_value(f"out{i}", (shape[0], b - a)))
    file.write_bytes(_model(nodes, tensors, _value("input", shape), found))
    return file


def write_upscaler(file: Path, factor: int) -> Path:
    """An upscaler that repeats each pixel: (n, 3, H, W) to (n, 3, H * factor, W * factor)."""
    scales = np.array([1, 1, factor, factor], dtype=float)
    node = _node(
        "Resize",
        ["input", "", "scales"],
        ["out"],
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    shape = ("n", 3, "h", "w")
    found = _value("out", ("n", 3, "H", "W"))
    file.write_bytes(_model([node], [_tensor("scales", scales)], _value("input", shape), [found]))
    return file
