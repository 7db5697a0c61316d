"""The whole classifier as one ONNX graph, by the contract of encoders: tokens and their positions in, logits out.

Weights of four bits are unpacked by operators that any runtime folds when it loads the file; tokens stay at
eight bits and only those of the line are widened.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .encoder import EPSILON, HEADS, MATRICES, Encoder, Packed
from .heads import Classifier

OPSET, IR = 17, 8
Array = np.ndarray


class Graph:
    """Nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: Array) -> str:
        """A constant, once for each name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def __call__(self, operator: str, *inputs: str, name: str = "", **attributes: object) -> str:
        out = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [out], name=out, **attributes))
        return out

    def number(self, value: float) -> str:
        """A single number."""
        return self.constant(f"number_{value}", np.float32(value))

    def shape(self, *dimensions: int) -> str:
        """A shape; 0 keeps a dimension."""
        return self.constant("shape_" + "_".join(map(str, dimensions)), np.array(dimensions, np.int64))


def build(encoder: Encoder, classifier: Classifier) -> onnx.ModelProto:
    """The model."""
    g = Graph()
    first, last = _encoder(g, encoder)
    length = [_unit(g, g("ReduceMean", state, axes=[1], keepdims=0)) for state in (first, last)]
    read = g("Concat", *length, axis=1)
    # Half precision, as it was fitted.
    lines = g("Cast", g.constant("lines", classifier.lines.T.astype(np.float16)), to=TensorProto.FLOAT)
    near = g("Exp", g("Sub", g("MatMul", read, lines), g.number(classifier.far)))
    votes = g("MatMul", near, g.constant("votes", classifier.votes.astype(np.float32)))
    counted = g("Log", g("Max", votes, g.number(classifier.least)))
    g("Mul", counted, g.number(classifier.sharpness), name="logits")
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"]) for name in ("input_ids", "position_ids")
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classifier.votes.shape[1]])]
    made = helper.make_graph(g.nodes, "text", inputs, outputs, list(g.constants.values()))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="lineside")
    model.ir_version = IR
    onnx.checker.check_model(model)
    return model


def _encoder(g: Graph, encoder: Encoder) -> tuple[str, str]:
    """The states before the first layer and after the last, `[1, tokens, width]`."""
    width = encoder.tokens.shape[1]
    table, scales = g.constant("tokens", encoder.tokens), g.constant("token_scales", encoder.token_scales)
    token = g("Cast", g("Gather", table, "input_ids"), to=TensorProto.FLOAT)
    token = g("Mul", token, g("Gather", scales, "input_ids"))
    place = g("Gather", g.constant("positions", encoder.positions), "position_ids")
    first = state = _norm(g, encoder, g("Add", token, place), "norm")
    keep, split = g.shape(0, 0, HEADS, width // HEADS), [0, 2, 1, 3]
    for layer in range(encoder.layers):
        at = f"{layer}."
        query, key, value = (
            g("Transpose", g("Reshape", _product(g, encoder, state, f"{at}{name}"), keep), perm=split)
            for name in MATRICES[:3]
        )
        scores = g("MatMul", query, g("Transpose", key, perm=[0, 1, 3, 2]))
        shares = g("Softmax", g("Mul", scores, g.number((HEADS / width) ** 0.5)), axis=-1)
        mixed = g("Reshape", g("Transpose", g("MatMul", shares, value), perm=split), g.shape(0, 0, width))
        added = g("Add", state, _product(g, encoder, mixed, f"{at}attention.output.dense"))
        state = _norm(g, encoder, added, f"{at}attention.output.norm")
        inner = _gelu(g, _product(g, encoder, state, f"{at}intermediate.dense"))
        added = g("Add", state, _product(g, encoder, inner, f"{at}output.dense"))
        state = _norm(g, encoder, added, f"{at}output.norm")
    return first, state


def _product(g: Graph, encoder: Encoder, state: str, name: str) -> str:
    matrix = encoder.matrices[name]
    if isinstance(matrix, Packed):
        turned = _unpack(g, matrix, name)
    else:
        turned = g.constant(name, matrix.T)
    return g("Add", g("MatMul", state, turned), g.constant(f"{name}.bias", encoder.vectors[f"{name}.bias"]))


def _unpack(g: Graph, matrix: Packed, name: str) -> str:
    """`[in, out]` of bytes that hold two weights each.

    A runtime keeps what each of these operators gives until it has read the whole file, so they work on the
    smallest type that will do, and the bytes lie turned already.
    """
    out, blocks, half = matrix.bits.shape
    both = g.constant(name, matrix.bits.transpose(1, 2, 0))
    low = g("Mod", both, g.constant("sixteen", np.uint8(16)))
    high = g("BitShift", both, g.constant("four", np.uint8(4)), direction="RIGHT")
    whole = g("Cast", g("Concat", low, high, axis=1), to=TensorProto.FLOAT16)
    whole = g("Sub", whole, g.constant("zero_at", np.float16(8)))
    weights = g("Mul", whole, g.constant(f"{name}.scales", matrix.scales.transpose(1, 2, 0)))
    return g("Cast", g("Reshape", weights, g.shape(blocks * half * 2, out)), to=TensorProto.FLOAT)


def _norm(g: Graph, encoder: Encoder, state: str, name: str) -> str:
    weight, bias = (g.constant(f"{name}.{kind}", encoder.vectors[f"{name}.{kind}"]) for kind in ("weight", "bias"))
    centred = g("Sub", state, g("ReduceMean", state, axes=[2], keepdims=1))
    spread = g("ReduceMean", g("Mul", centred, centred), axes=[2], keepdims=1)
    unit = g("Div", centred, g("Sqrt", g("Add", spread, g.number(EPSILON))))
    return g("Add", g("Mul", unit, weight), bias)


def _gelu(g: Graph, state: str) -> str:
    curve = g("Add", g("Erf", g("Mul", state, g.number(0.5**0.5))), g.number(1.0))
    return g("Mul", g("Mul", state, g.number(0.5)), curve)


def _unit(g: Graph, vector: str) -> str:
    square = g("ReduceSum", g("Mul", vector, vector), g.shape(1), keepdims=1)
    return g("Div", vector, g("Sqrt", square))
