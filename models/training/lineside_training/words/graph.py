"""The decoder as ONNX, operator by operator: the export that runs best (docs/reference/model-contract.md).

Inputs are the new tokens, their positions and the cache; outputs the logits of the last token and the cache. Written by
hand, since an exporter's graph changes with its version, and this one is what the agent recognises as one program.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import int4
from .model import EPSILON, Decoder, rotations

OPSET = 17
MICROSOFT = "com.microsoft"
# Far below any score, and finite: 0 times it is 0.
HIDDEN = -1e30


class Graph:
    """A graph that is being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def op(self, kind: str, inputs: list[str], out: str, domain: str = "", **attributes: object) -> str:
        """An operator; gives the name of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **attributes))
        return out

    def constant(self, name: str, value: np.ndarray) -> str:
        """A constant; gives its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        return name

    def ints(self, name: str, *values: int) -> str:
        """Some whole numbers."""
        return self.constant(name, np.array(values, np.int64))

    def scalar(self, name: str, value: float, kind: type = np.float32) -> str:
        """A number without a dimension."""
        return self.constant(name, np.array(value, kind))


class Writer:
    """Writes one decoder."""

    def __init__(self, decoder: Decoder, four_bits: bool) -> None:
        self.shape, self.four_bits, self.graph = decoder.shape, four_bits, Graph()
        self.weights = {name: weight.detach().float().numpy() for name, weight in decoder.named_parameters()}

    def model(self) -> onnx.ModelProto:
        """The file."""
        graph, shape = self.graph, self.shape
        self.constants()
        self.positions()
        x = self.embedded()
        for layer in range(shape.layers):
            at = f"layers.{layer}"
            attended = self.attention(self.norm(x, f"{at}.attention_norm"), layer)
            x = graph.op("Add", [x, attended], f"{at}.between")
            x = graph.op("Add", [x, self.unit(self.norm(x, f"{at}.unit_norm"), at)], f"{at}.after")
        last = graph.op("Gather", [self.norm(x, "norm"), graph.ints("last", -1)], "last.row", axis=1)
        self.head(last)
        cache = [f"{layer}_{part}" for layer in range(shape.layers) for part in "kv"]
        ids = [_value(name, TensorProto.INT64, [1, "S"]) for name in ("input_ids", "position_ids")]
        past = [_value(f"past_{at}", TensorProto.FLOAT, [1, shape.groups, "P", shape.head]) for at in cache]
        present = [_value(f"present_{at}", TensorProto.FLOAT, [1, shape.groups, "P+S", shape.head]) for at in cache]
        logits = _value("logits", TensorProto.FLOAT, [1, 1, shape.vocabulary])
        made = helper.make_graph(graph.nodes, "words", ids + past, [logits, *present], graph.constants)
        sets = [helper.make_opsetid("", OPSET)] + ([helper.make_opsetid(MICROSOFT, 1)] if self.four_bits else [])
        model = helper.make_model(made, opset_imports=sets, ir_version=9, producer_name="lineside_training")
        if not self.four_bits:
            onnx.checker.check_model(model, full_check=True)
        return model

    def constants(self) -> None:
        """Numbers that every layer uses."""
        graph, shape = self.graph, self.shape
        for name, value in (("zero", 0), ("one", 1), ("two", 2), ("three", 3), ("half", shape.head // 2)):
            graph.ints(name, value)
        graph.ints("whole", shape.head)
        graph.scalar("epsilon", EPSILON)
        graph.scalar("scale", shape.head**-0.5)
        graph.scalar("open", 0)
        graph.scalar("hidden", HIDDEN)

    def positions(self) -> None:
        """Rotations by position, and who sees whom: a token sees itself and what came before."""
        graph, shape = self.graph, self.shape
        for name, table in zip(("cos", "sin"), rotations(shape), strict=True):
            kept = graph.constant(f"{name}.table", table.numpy())
            rows = graph.op("Gather", [kept, "position_ids"], f"{name}.rows", axis=0)
            graph.op("Unsqueeze", [rows, "one"], name)
        shape_of_past, shape_of_new = (graph.op("Shape", [x], f"{x}.shape") for x in ("past_0_k", "input_ids"))
        past = graph.op("Gather", [shape_of_past, graph.scalar("at.2", 2, np.int64)], "past")
        new = graph.op("Gather", [shape_of_new, graph.scalar("at.1", 1, np.int64)], "new")
        total = graph.op("Add", [past, new], "total")
        seen = graph.op("Range", [graph.scalar("from", 0, np.int64), total, graph.scalar("step", 1, np.int64)], "seen")
        own = graph.op("Unsqueeze", ["position_ids", "two"], "own")
        visible = graph.op("LessOrEqual", [seen, own], "visible")
        mask = graph.op("Where", [visible, "open", "hidden"], "mask.rows")
        graph.op("Unsqueeze", [mask, graph.ints("mask.axes", 1, 2)], "mask")
        count = graph.op("Unsqueeze", [new, "zero"], "new.count")
        lead = graph.ints("grouped.lead", 1, shape.groups, shape.heads // shape.groups)
        graph.op("Concat", [lead, count, "whole"], "grouped", axis=0)
        graph.op("Concat", [graph.ints("joined.lead", 1, shape.heads), count, "whole"], "joined", axis=0)

    def embedded(self) -> str:
        """The rows of the new tokens."""
        graph, table = self.graph, self.weights["table.weight"]
        if not self.four_bits:
            return graph.op("Gather", [graph.constant("table.weight", table), "input_ids"], "embedded", axis=0)
        found, scales = int4.codes(table)
        inputs = [
            graph.constant("table.rows_q4", int4.packed(found).reshape(len(table), -1)),
            "input_ids",
            graph.constant("table.rows_scales", scales),
        ]
        numbers = {"bits": 4, "block_size": int4.BLOCK, "gather_axis": 0, "quantize_axis": 1}
        return graph.op("GatherBlockQuantized", inputs, "embedded", MICROSOFT, **numbers)

    def head(self, x: str) -> None:
        """Logits by the table's own numbers."""
        graph = self.graph
        if self.four_bits:
            made = self.product(x, "table", "head")
        else:
            turned = graph.op("Transpose", ["table.weight"], "table.turned", perm=[1, 0])
            made = graph.op("MatMul", [x, turned], "head")
        graph.op("Identity", [made], "logits")

    def product(self, x: str, name: str, out: str) -> str:
        """`x` times a matrix of one row an output."""
        graph, weight = self.graph, self.weights[f"{name}.weight"]
        if not self.four_bits:
            return graph.op("MatMul", [x, graph.constant(f"{name}.weight", weight.T)], out)
        found, scales = int4.codes(weight)
        inputs = [
            x,
            graph.constant(f"{name}.weight_q4", int4.packed(found)),
            graph.constant(f"{name}.weight_scales", scales.reshape(-1)),
        ]
        rows, columns = weight.shape
        return graph.op(
            "MatMulNBits", inputs, out, MICROSOFT, K=columns, N=rows, bits=4, block_size=int4.BLOCK, accuracy_level=4
        )

    def norm(self, x: str, name: str) -> str:
        """Each row at length one on average, times a gain."""
        graph = self.graph
        square = graph.op("Mul", [x, x], f"{name}.square")
        mean = graph.op("ReduceMean", [square], f"{name}.mean", axes=[-1], keepdims=1)
        root = graph.op("Sqrt", [graph.op("Add", [mean, "epsilon"], f"{name}.shifted")], f"{name}.root")
        scaled = graph.op("Div", [x, root], f"{name}.scaled")
        gain = graph.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        return graph.op("Mul", [scaled, gain], f"{name}.out")

    def heads(self, x: str, count: int, name: str) -> str:
        """Rows as heads."""
        graph = self.graph
        split = graph.op("Reshape", [x, graph.ints(f"{name}.shape", 1, -1, count, self.shape.head)], f"{name}.split")
        return graph.op("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3])

    def turned(self, x: str, name: str) -> str:
        """Halves of each head turned against each other by its position."""
        graph = self.graph
        low = graph.op("Slice", [x, "zero", "half", "three"], f"{name}.low")
        high = graph.op("Slice", [x, "half", "whole", "three"], f"{name}.high")
        other = graph.op("Concat", [graph.op("Neg", [high], f"{name}.minus"), low], f"{name}.other", axis=-1)
        across = graph.op("Mul", [other, "sin"], f"{name}.across")
        return graph.op("Add", [graph.op("Mul", [x, "cos"], f"{name}.straight"), across], f"{name}.turned")

    def attention(self, x: str, layer: int) -> str:
        """What each token takes from those it sees; queries that share a key stand beside each other."""
        graph, shape, at = self.graph, self.shape, f"layers.{layer}"
        query, key, value = (self.product(x, f"{at}.{part}", f"{at}.{part}") for part in ("query", "key", "value"))
        query = self.turned(self.heads(query, shape.heads, f"{at}.query"), f"{at}.query")
        key = self.turned(self.heads(key, shape.groups, f"{at}.key"), f"{at}.key")
        value = self.heads(value, shape.groups, f"{at}.value")
        keys = graph.op("Concat", [f"past_{layer}_k", key], f"present_{layer}_k", axis=2)
        values = graph.op("Concat", [f"past_{layer}_v", value], f"present_{layer}_v", axis=2)
        query = graph.op("Reshape", [query, "grouped"], f"{at}.grouped")
        keys = graph.op("Unsqueeze", [keys, "two"], f"{at}.keys")
        keys = graph.op("Transpose", [keys], f"{at}.keys.turned", perm=[0, 1, 2, 4, 3])
        scores = graph.op("Mul", [graph.op("MatMul", [query, keys], f"{at}.products"), "scale"], f"{at}.scores")
        shares = graph.op("Softmax", [graph.op("Add", [scores, "mask"], f"{at}.masked")], f"{at}.shares", axis=-1)
        values = graph.op("Unsqueeze", [values, "two"], f"{at}.values")
        mixed = graph.op("Reshape", [graph.op("MatMul", [shares, values], f"{at}.mixed"), "joined"], f"{at}.joined")
        rows = graph.op("Transpose", [mixed], f"{at}.rows", perm=[0, 2, 1, 3])
        flat = graph.op("Reshape", [rows, graph.ints(f"{at}.flat.shape", 1, -1, shape.width)], f"{at}.flat")
        return self.product(flat, f"{at}.output", f"{at}.output")

    def unit(self, x: str, at: str) -> str:
        """The gated unit."""
        graph = self.graph
        gate = self.product(x, f"{at}.gate", f"{at}.gate")
        opened = graph.op("Mul", [gate, graph.op("Sigmoid", [gate], f"{at}.sigmoid")], f"{at}.opened")
        inner = graph.op("Mul", [opened, self.product(x, f"{at}.up", f"{at}.up")], f"{at}.inner")
        return self.product(inner, f"{at}.down", f"{at}.down")


def _value(name: str, kind: int, dims: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, dims)


def onnx_file(decoder: Decoder, four_bits: bool = False) -> bytes:
    """A decoder as ONNX."""
    return Writer(decoder, four_bits).model().SerializeToString()
