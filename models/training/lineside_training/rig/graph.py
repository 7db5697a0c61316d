"""All heads as one ONNX file: input `cycle` f32 `[1, channels * TICKS]`, output `logits` `[1, all classes + 1]`.

The last output is above 0 where the regime is not covered.

The cycle lies flat, one channel behind the other, because golden vectors have a row a call.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .cycles import TICKS, Array
from .features import DILATIONS, WIDTH
from .heads import LIMIT, Eye, Head
from .regimes import PARTS, Regimes

OPSET, IR_VERSION = 17, 8


class _Graph:
    """Nodes and constants, named by how they are reached."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name: str, value: Array, kind=np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def build(heads: dict[str, Head], covered: Regimes, channels: int) -> onnx.ModelProto:
    """The model in memory, checked."""
    graph = _Graph()
    shape = graph.constant("shape", np.array([1, channels, TICKS]), np.int64)
    cycle = graph.node("Reshape", ["cycle", shape], "by_channel")
    logits = [_head(graph, name, head, cycle) for name, head in heads.items()]
    graph.node("Concat", [*logits, _excess(graph, covered, cycle, channels)], "logits", axis=1)
    width = sum(head.classes for head in heads.values()) + 1
    made = helper.make_graph(
        graph.nodes,
        "lineside_rig",
        [helper.make_tensor_value_info("cycle", TensorProto.FLOAT, [1, channels * TICKS])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, width])],
        graph.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lineside_training")
    onnx.checker.check_model(model)
    return model


def _excess(graph: _Graph, covered: Regimes, cycle: str, channels: int) -> str:
    split = graph.constant("regime_split", np.array([1, channels * PARTS, TICKS // PARTS]), np.int64)
    parts = graph.node("Reshape", [cycle, split], "regime_parts")
    found = graph.node("ReduceMean", [parts], "regime_levels", axes=[2], keepdims=0)
    centred = graph.node("Sub", [found, graph.constant("regime_mean", covered.mean[None])], "regime_centred")
    place = graph.node("MatMul", [centred, graph.constant("regime_basis", covered.basis)], "regime_place")
    away = graph.node("Sub", [graph.constant("regimes", covered.prototypes), place], "regime_away")
    squared = graph.node("Mul", [away, away], "regime_squared")
    ones = graph.constant("regime_ones", np.ones((covered.prototypes.shape[1], 1)))
    distance = graph.node("MatMul", [squared, ones], "regime_distances")
    nearest = graph.node("ReduceMin", [distance], "regime_nearest", axes=[0], keepdims=1)
    share = graph.node("Mul", [nearest, graph.constant("regime_by", np.array([[1 / covered.allowed]]))], "regime_share")
    return graph.node("Sub", [share, graph.constant("regime_one", np.ones((1, 1)))], "excess")


def _head(graph: _Graph, name: str, head: Head, cycle: str) -> str:
    def constant(what: str, value: Array, kind=np.float32) -> str:
        return graph.constant(f"{name}_{what}", value, kind)

    def node(kind: str, inputs: list[str], what: str, **attributes) -> str:
        return graph.node(kind, inputs, f"{name}_{what}", **attributes)

    seen = [_eye(graph, f"{name}_{at}", eye, cycle) for at, eye in enumerate(head.eyes)]
    found = node("Concat", seen, "features", axis=1)
    centred = node("Sub", [found, constant("mean", head.mean[None])], "centred")
    scaled = node("Mul", [centred, constant("by", 1 / head.scale[None])], "scaled")
    low, high = constant("low", np.array([[-LIMIT]])), constant("high", np.array([[LIMIT]]))
    limited = node("Min", [node("Max", [scaled, low], "not_below"), high], "limited")
    product = node("MatMul", [limited, constant("weights", head.weights)], "product")
    answers = node("Add", [product, constant("bias", np.atleast_2d(head.bias))], "answers")
    turned = node("MatMul", [answers, constant("slopes", head.slopes)], "turned")
    return node("Add", [turned, constant("offsets", head.offsets[None])], "logits")


def _eye(graph: _Graph, name: str, eye: Eye, cycle: str) -> str:
    def constant(what: str, value: Array, kind=np.float32) -> str:
        return graph.constant(f"{name}_{what}", value, kind)

    def node(kind: str, inputs: list[str], what: str, **attributes) -> str:
        return graph.node(kind, inputs, f"{name}_{what}", **attributes)

    found = _shapes(eye, cycle, constant, node) if eye.shapes else _levels(eye, cycle, constant, node)
    if not eye.look.squares:
        return found
    return node("Concat", [found, node("Mul", [found, found], "squares")], "both", axis=1)


def _levels(eye: Eye, cycle: str, constant, node) -> str:
    levels = []
    for channel, parts in zip(eye.look.channels, eye.look.parts):
        place = constant(f"channel_{channel}", np.array([channel]), np.int64)
        picked = node("Gather", [cycle, place], f"of_{channel}", axis=1)
        split = constant(f"split_{channel}", np.array([1, parts, TICKS // parts]), np.int64)
        cut = node("Reshape", [picked, split], f"parts_{channel}")
        levels.append(node("ReduceMean", [cut], f"levels_{channel}", axes=[2], keepdims=0))
    return node("Concat", levels, "levels", axis=1)


def _shapes(eye: Eye, cycle: str, constant, node) -> str:
    drawn = eye.shapes
    picked = node("Gather", [cycle, constant("channels", np.array(eye.look.channels), np.int64)], "picked", axis=1)
    centred = node("Sub", [picked, constant("channel_mean", drawn.mean[None, :, None])], "channel_centred")
    scaled = node("Mul", [centred, constant("channel_by", 1 / drawn.scale[None, :, None])], "channel_scaled")
    zero, start = constant("zero", np.zeros(1), np.int64), constant("half", np.array([TICKS // 2]), np.int64)
    axis, pooled = constant("time", np.array([2]), np.int64), []
    for at, (weights, threshold, dilation) in enumerate(zip(drawn.filters, drawn.thresholds, DILATIONS)):
        pad = (WIDTH - 1) // 2 * dilation
        inputs = [scaled, constant(f"filters_{at}", weights), constant(f"thresholds_{at}", -threshold)]
        found = node("Conv", inputs, f"found_{at}", dilations=[dilation], pads=[pad, pad], kernel_shape=[WIDTH])
        above = node("Relu", [found], f"above_{at}")
        first = node("Slice", [above, zero, start, axis], f"first_{at}")
        pooled.append(node("ReduceMean", [above], f"mean_{at}", axes=[2], keepdims=0))
        pooled.append(node("ReduceMean", [first], f"first_mean_{at}", axes=[2], keepdims=0))
        pooled.append(node("ReduceMax", [found], f"peak_{at}", axes=[2], keepdims=0))
    return node("Concat", pooled, "shapes", axis=1)
