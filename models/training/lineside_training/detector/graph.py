"""Writes the scorer as ONNX: few nodes, so that little time goes into anything but arithmetic.

Input `features` f32 `[channels, 36]`, output `logit` f32 `[channels, 1]`. The four networks are
one: their first layers side by side, the others block-diagonal, the mean in the last one.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .features import CONTRASTS, WALKNESS, WIDTH
from .scorer import CAP, DISCOUNT, PLAIN, Scorer
from .synthetic import Array
from .network import MEMBERS, SIZES, Weights

OPSET = 17
# Version of the file format that goes with the opset.
IR_VERSION = 8


def block_diagonal(blocks: Array) -> Array:
    """`[members, in, out]` to `[members * in, members * out]`."""
    members, rows, columns = blocks.shape
    out = np.zeros((members * rows, members * columns), np.float32)
    for member, block in enumerate(blocks):
        out[member * rows : (member + 1) * rows, member * columns : (member + 1) * columns] = block
    return out


def merged(weights: Weights) -> list[tuple[Array, Array]]:
    """Matrix and bias per layer of the one network that equals the mean of the members."""
    (first, second, last), (bias_1, bias_2, bias_3) = weights.matrices, weights.biases
    members = len(first)
    standardised = np.concatenate(first / weights.scale[None, :, None], axis=1)
    offset = np.concatenate([bias_1[m, 0] - (weights.mean / weights.scale) @ first[m] for m in range(members)])
    return [
        (standardised, offset),
        (block_diagonal(second), bias_2.reshape(-1)),
        (last.reshape(-1, 1) / members, bias_3.mean(axis=0).reshape(-1)),
    ]


def build(scorer: Scorer) -> onnx.ModelProto:
    """The model in memory, checked."""
    nodes, constants = [], []

    def constant(name: str, value: Array) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def number(name: str, value: float) -> str:
        return constant(name, np.array([[value]], np.float32))

    def node(kind: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    low = constant("low", scorer.weights.low[None])
    high = constant("high", scorer.weights.high[None])
    hidden = node("Min", [node("Max", ["features", low], "not_below"), high], "limited")
    layers = merged(scorer.weights)
    for index, (matrix, bias) in enumerate(layers):
        matrix = constant(f"matrix_{index}", matrix.astype(np.float32))
        bias = constant(f"bias_{index}", bias.astype(np.float32)[None])
        hidden = node("Add", [node("MatMul", [hidden, matrix], f"product_{index}"), bias], f"layer_{index}")
        if index < len(layers) - 1:
            hidden = node("Relu", [hidden], f"active_{index}")

    one = number("one", 1.0)

    def unsquashed(value: str, name: str) -> str:
        return node("Sub", [node("Exp", [value], f"{name}_exp"), one], name)

    picked = node("Gather", ["features", constant("contrasts", np.array(CONTRASTS, np.int64))], "picked", axis=1)
    sizes = node("Abs", [picked], "sizes")
    largest = unsquashed(node("ReduceMax", [sizes], "top", axes=[1], keepdims=1), "largest")
    walk = node("Gather", ["features", constant("walkness_at", np.array([WALKNESS], np.int64))], "walk", axis=1)
    size = unsquashed(node("Abs", [walk], "walk_size"), "walk_log")
    walkness = node("Exp", [node("Mul", [size, node("Sign", [walk], "side")], "log")], "walkness")
    excess = node("Relu", [node("Sub", [walkness, number("plain", PLAIN)], "above")], "excess")
    divisor = node("Add", [node("Mul", [excess, number("discount", DISCOUNT)], "discounted"), one], "divisor")
    capped = node("Min", [node("Div", [largest, divisor], "contrast"), number("cap", CAP)], "capped")
    node("Add", [hidden, node("Mul", [capped, number("gain", scorer.gain)], "fixed")], "logit")

    graph = helper.make_graph(
        nodes,
        "lineside_detector",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["channels", WIDTH])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["channels", 1])],
        constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lineside_training")
    onnx.checker.check_model(model)
    return model


def read(file: bytes) -> Weights:
    """The networks of a file that `build` made."""
    values = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(file).graph.initializer}
    first, second, last = (values[f"matrix_{at}"] for at in range(3))
    members = MEMBERS
    matrices = (
        np.stack(np.split(first, members, axis=1)),
        np.stack([rows[:, at * SIZES[2] : (at + 1) * SIZES[2]] for at, rows in enumerate(np.split(second, members))]),
        np.stack(np.split(last, members)) * members,
    )
    biases = (
        values["bias_0"].reshape(members, 1, -1),
        values["bias_1"].reshape(members, 1, -1),
        np.repeat(values["bias_2"].reshape(1, 1, 1), members, axis=0),
    )
    low, high = values["low"][0], values["high"][0]
    return Weights(matrices, biases, low, high, np.zeros_like(low), np.ones_like(low))
