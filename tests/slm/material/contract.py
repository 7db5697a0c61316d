"""The export that runs best (`docs/reference/model-contract.md`), written operator by operator."""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

from . import int4
from .shape import Shape

OPSET = 17
MICROSOFT = "com.microsoft"
# onnxruntime rounds the other factor to eight bits, as llama.cpp and we do.
FASTEST = 4


class Graph:
    """A graph being written."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []

    def op(self, kind: str, inputs: list[str], out: str, domain: str = "", **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **attributes))
        return out

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value.copy(order="C"), name))
        return name

    def ints(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, dtype=np.int64))


class Decoder:
    """Writes a decoder of a shape; with `four_bits` its products are MatMulNBits."""

    def __init__(self, shape: Shape, weights: dict[str, np.ndarray], four_bits: bool) -> None:
        self.shape, self.weights, self.four_bits = shape, weights, four_bits
        self.graph = Graph()

    def product(self, x: str, name: str, out: str) -> str:
        weight, graph = self.weights[name], self.graph
        if not self.four_bits:
            return graph.op("MatMul", [x, graph.constant(f"{name}.weight", weight.T)], out)
        codes, scales = int4.quantise(weight)
        inputs = [
            x, graph.constant(f"{name}.weight_q4", int4.for_onnx(codes)),
            graph.constant(f"{name}.weight_scales", scales.reshape(-1)),
        ]
        rows, columns = weight.shape
        return graph.op(
            "MatMulNBits", inputs, out, MICROSOFT, K=columns, N=rows, bits=4, block_size=int4.BLOCK,
            accuracy_level=FASTEST,
        )

    def norm(self, x: str, name: str) -> str:
        graph = self.graph
        square = graph.op("Mul", [x, x], f"{name}.square")
        mean = graph.op("ReduceMean", [square], f"{name}.mean", axes=[-1], keepdims=1)
        root = graph.op("Sqrt", [graph.op("Add", [mean, "epsilon"], f"{name}.shifted")], f"{name}.root")
        scaled = graph.op("Div", [x, root], f"{name}.scaled")
        return graph.op("Mul", [scaled, graph.constant(f"{name}.weight", self.weights[name])], f"{name}.out")

    def embedding(self) -> str:
        graph, table = self.graph, self.weights["token_embd"]
        if not self.four_bits:
            return graph.op("Gather", [graph.constant("token_embd.weight", table), "input_ids"], "embedded", axis=0)
        codes, scales = int4.quantise(table)
        inputs = [
            graph.constant("token_embd.rows_q4", int4.for_onnx(codes).reshape(codes.shape[0], -1)),
            "input_ids",
            graph.constant("token_embd.rows_scales", scales),
        ]
        return graph.op(
            "GatherBlockQuantized", inputs, "embedded", MICROSOFT, block_size=int4.BLOCK, bits=4, gather_axis=0,
            quantize_axis=1,
        )

    def head(self, x: str) -> str:
        graph, shape = self.graph, self.shape
        last = graph.op("Gather", [x, graph.ints("last", -1)], "last_position", axis=1)
        if self.four_bits:
            made = self.product(last, "token_embd", "head.out")
        else:
            made = graph.op(
                "MatMul", [last, graph.op("Transpose", ["token_embd.weight"], "head.weight", perm=[1, 0])], "head.out"
            )
        return graph.op("Reshape", [made, graph.ints("logits.shape", 1, shape.vocabulary)], "logits")

    def turned(self, x: str, name: str) -> str:
        """Rotary positions: halves of each head turned against each other."""
        graph = self.graph
        low = graph.op("Slice", [x, "zero", "half", "innermost"], f"{name}.low")
        high = graph.op("Slice", [x, "half", "head", "innermost"], f"{name}.high")
        other = graph.op("Concat", [graph.op("Neg", [high], f"{name}.minus"), low], f"{name}.other", axis=-1)
        straight = graph.op("Mul", [x, "cos"], f"{name}.straight")
        return graph.op("Add", [straight, graph.op("Mul", [other, "sin"], f"{name}.across")], f"{name}.turned")

    def heads(self, x: str, count: int, name: str) -> str:
        graph = self.graph
        split = graph.op(
            "Reshape", [x, graph.ints(f"{name}.shape", 1, -1, count, self.shape.head)], f"{name}.split"
        )
        return graph.op("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3])

    def attention(self, x: str, layer: int) -> str:
        graph, shape, at = self.graph, self.shape, f"blk.{layer}."
        query = self.turned(self.heads(self.product(x, at + "attn_q", at + "q"), shape.heads, at + "q"), at + "q")
        key = self.turned(self.heads(self.product(x, at + "attn_k", at + "k"), shape.groups, at + "k"), at + "k")
        value = self.heads(self.product(x, at + "attn_v", at + "v"), shape.groups, at + "v")
        keys = graph.op("Concat", [f"past_{layer}_k", key], f"present_{layer}_k", axis=2)
        values = graph.op("Concat", [f"past_{layer}_v", value], f"present_{layer}_v", axis=2)
        # Queries that share a key stand beside each other: nothing is repeated.
        grouped = graph.op("Reshape", [query, "grouped"], at + "grouped")
        keys = graph.op("Transpose", [graph.op("Unsqueeze", [keys, "two"], at + "keys")], at + "keys.t", perm=[0, 1, 2, 4, 3])
        scores = graph.op("Mul", [graph.op("MatMul", [grouped, keys], at + "products"), "scale"], at + "scores")
        masked = graph.op("Add", [scores, "mask"], at + "masked")
        shares = graph.op("Softmax", [masked], at + "shares", axis=-1)
        mixed = graph.op("MatMul", [shares, graph.op("Unsqueeze", [values, "two"], at + "values")], at + "mixed")
        joined = graph.op("Reshape", [mixed, "joined"], at + "joined")
        rows = graph.op("Transpose", [joined], at + "rows", perm=[0, 2, 1, 3])
        flat = graph.op("Reshape", [rows, graph.ints(at + "flat.shape", 1, -1, shape.heads * shape.head)], at + "flat")
        return self.product(flat, at + "attn_output", at + "attended")

    def feed_forward(self, x: str, layer: int) -> str:
        graph, at = self.graph, f"blk.{layer}."
        gate = self.product(x, at + "ffn_gate", at + "gate")
        gate = graph.op("Mul", [gate, graph.op("Sigmoid", [gate], at + "sigmoid")], at + "silu")
        inner = graph.op("Mul", [gate, self.product(x, at + "ffn_up", at + "up")], at + "inner")
        return self.product(inner, at + "ffn_down", at + "down")

    def positions(self) -> None:
        """Tables of rotations, and the mask: a token sees itself and what came before."""
        graph, shape = self.graph, self.shape
        rates = shape.theta ** -(np.arange(0, shape.head, 2) / shape.head)
        angles = np.outer(np.arange(shape.context), rates)
        angles = np.concatenate([angles, angles], axis=1)
        for name, table in [("cos", np.cos(angles)), ("sin", np.sin(angles))]:
            rows = graph.op(
                "Gather", [graph.constant(f"{name}.table", table.astype(np.float32)), "position_ids"], f"{name}.rows",
                axis=0,
            )
            graph.op("Unsqueeze", [rows, "one"], name)
        length = graph.op("Shape", ["past_0_k"], "past.shape")
        past = graph.op("Gather", [length, graph.constant("past.axis", np.array(2, np.int64))], "past", axis=0)
        length = graph.op("Shape", ["input_ids"], "ids.shape")
        new = graph.op("Gather", [length, graph.constant("ids.axis", np.array(1, np.int64))], "new", axis=0)
        total = graph.op("Add", [past, new], "total")
        zero = graph.constant("start", np.array(0, np.int64))
        step = graph.constant("step", np.array(1, np.int64))
        seen = graph.op("Range", [zero, total, step], "seen")
        own = graph.op("Unsqueeze", ["position_ids", graph.ints("last_axis", 2)], "own")
        allowed = graph.op("LessOrEqual", [seen, own], "allowed")
        mask = graph.op("Where", [allowed, "zero.float", "minus.float"], "mask.2d")
        graph.op("Unsqueeze", [mask, graph.ints("mask.axes", 1, 2)], "mask")
        query = graph.op("Unsqueeze", [new, "zero"], "new.dim")
        head = graph.ints("head.dim", shape.head)
        lead = graph.ints("grouped.lead", 1, shape.groups, shape.heads // shape.groups)
        graph.op("Concat", [lead, query, head], "grouped", axis=0)
        graph.op("Concat", [graph.ints("joined.lead", 1, shape.heads), query, head], "joined", axis=0)

    def scalars(self) -> None:
        graph, shape = self.graph, self.shape
        graph.ints("zero", 0)
        graph.ints("one", 1)
        graph.ints("two", 2)
        graph.ints("half", shape.head // 2)
        graph.ints("head", shape.head)
        graph.ints("innermost", 3)
        graph.constant("epsilon", np.array(shape.epsilon, np.float32))
        graph.constant("scale", np.array(shape.head**-0.5, np.float32))
        graph.constant("zero.float", np.array(0, np.float32))
        graph.constant("minus.float", np.array(-1e30, np.float32))

    def model(self):
        graph, shape = self.graph, self.shape
        self.scalars()
        self.positions()
        x = self.embedding()
        for layer in range(shape.layers):
            at = f"blk.{layer}."
            attended = self.attention(self.norm(x, at + "attn_norm"), layer)
            x = graph.op("Add", [x, attended], at + "after_attention")
            x = graph.op("Add", [x, self.feed_forward(self.norm(x, at + "ffn_norm"), layer)], at + "after")
        self.head(self.norm(x, "output_norm"))
        cache = [(f"{layer}_{kind}") for layer in range(shape.layers) for kind in "kv"]
        ids = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "S"]) for name in ("input_ids", "position_ids")]
        floats = TensorProto.FLOAT
        past = [helper.make_tensor_value_info(f"past_{at}", floats, [1, shape.groups, "P", shape.head]) for at in cache]
        present = [
            helper.make_tensor_value_info(f"present_{at}", floats, [1, shape.groups, "P+S", shape.head]) for at in cache
        ]
        logits = helper.make_tensor_value_info("logits", floats, [1, shape.vocabulary])
        made = helper.make_graph(graph.nodes, "decoder", ids + past, [logits, *present], graph.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(made, opset_imports=opsets, ir_version=9, producer_name="lineside material")


def write(shape: Shape, weights: dict[str, np.ndarray], file: Path, four_bits: bool) -> None:
    """Writes the model."""
    save_model(Decoder(shape, weights, four_bits).model(), file)


def config(shape: Shape, folder: Path, end: int) -> None:
    """What a Hugging Face folder says of such a model."""
    (folder / "config.json").write_text(
        json.dumps(
            {
                "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": shape.vocabulary,
                "hidden_size": shape.width, "intermediate_size": shape.inner, "num_hidden_layers": shape.layers,
                "num_attention_heads": shape.heads, "num_key_value_heads": shape.groups, "head_dim": shape.head,
                "max_position_embeddings": shape.context, "rope_theta": shape.theta, "rms_norm_eps": shape.epsilon,
                "tie_word_embeddings": True, "eos_token_id": end,
            },
            indent=1,
        )
    )
