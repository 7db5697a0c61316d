"""Writes the scorer as ONNX: input `features` f32 `[rows, features]`, output `logit` f32 `[rows, 1]`.

The averaged networks are one: their first layers side by side, the others block-diagonal, the mean in the last one.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .scorer import LIMIT, Weights

Array = np.ndarray
OPSET = 17
# Version of the file format that goes with the opset.
IR_VERSION = 8


def merged(weights: Weights) -> list[tuple[Array, Array]]:
    """Matrix and bias by layer of the one network that equals the mean of the members."""
    members, last = len(weights.matrices[0]), len(weights.matrices) - 1
    layers = []
    for layer, (matrix, bias) in enumerate(zip(weights.matrices, weights.biases)):
        if layer == 0:
            layers.append((np.concatenate(matrix, axis=1), bias.reshape(-1)))
        elif layer < last:
            layers.append((_block_diagonal(matrix), bias.reshape(-1)))
        else:
            layers.append((matrix.reshape(-1, 1) / members, bias.mean(axis=0).reshape(-1)))
    return layers


def _block_diagonal(blocks: Array) -> Array:
    members, rows, columns = blocks.shape
    out = np.zeros((members * rows, members * columns), np.float32)
    for member, block in enumerate(blocks):
        out[member * rows : (member + 1) * rows, member * columns : (member + 1) * columns] = block
    return out


def build(weights: Weights) -> onnx.ModelProto:
    """The model in memory, checked."""
    nodes, constants = [], []

    def constant(name: str, value: Array) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output))
        return output

    centred = node("Sub", ["features", constant("mean", weights.mean[None])], "centred")
    scaled = node("Div", [centred, constant("scale", weights.scale[None])], "scaled")
    low, high = constant("low", np.array([[-LIMIT]])), constant("high", np.array([[LIMIT]]))
    hidden = node("Min", [node("Max", [scaled, low], "not_below"), high], "limited")
    layers = merged(weights)
    for index, (matrix, bias) in enumerate(layers):
        product = node("MatMul", [hidden, constant(f"matrix_{index}", matrix)], f"product_{index}")
        final = index == len(layers) - 1
        hidden = node("Add", [product, constant(f"bias_{index}", bias[None])], "logit" if final else f"layer_{index}")
        hidden = hidden if final else node("Relu", [hidden], f"active_{index}")
    graph = helper.make_graph(
        nodes,
        "lineside_incident",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", len(weights.mean)])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["rows", 1])],
        constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lineside_training")
    onnx.checker.check_model(model)
    return model
