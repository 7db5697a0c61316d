"""The three sizes that are compared, and what their weights are."""

from dataclasses import dataclass

import numpy as np

# Standard deviation of logits, as for the exported families.
LOGITS = 3.0
SMALL = 0.1


@dataclass(frozen=True)
class Shape:
    """A Llama-like decoder with a tied head."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    groups: int
    head: int = 64
    context: int = 2048
    theta: float = 10_000.0
    epsilon: float = 1e-5


# The tiny one is for tests. The largest is SmolLM2-135M's own.
SHAPES = {
    "tiny": Shape(vocabulary=512, width=128, inner=256, layers=3, heads=4, groups=2, head=32, context=512),
    "5m": Shape(vocabulary=2048, width=256, inner=704, layers=6, heads=4, groups=2),
    "32m": Shape(vocabulary=4096, width=512, inner=1408, layers=10, heads=8, groups=4),
    "135m": Shape(vocabulary=49152, width=576, inner=1536, layers=30, heads=9, groups=3),
}


def weights(shape: Shape, seed: int) -> dict[str, np.ndarray]:
    """Random weights by their names in GGUF; products as `[out, in]`."""
    random = np.random.default_rng(seed)

    def product(out: int, fan_in: int, scale: float = 1.0) -> np.ndarray:
        return random.standard_normal((out, fan_in), dtype=np.float32) * np.float32(scale / np.sqrt(fan_in))

    def gain() -> np.ndarray:
        return (1 + SMALL * random.standard_normal(shape.width, dtype=np.float32)).astype(np.float32)

    made = {"token_embd": product(shape.vocabulary, shape.width, LOGITS)}
    for layer in range(shape.layers):
        at = f"blk.{layer}."
        made[at + "attn_norm"] = gain()
        made[at + "attn_q"] = product(shape.heads * shape.head, shape.width)
        made[at + "attn_k"] = product(shape.groups * shape.head, shape.width)
        made[at + "attn_v"] = product(shape.groups * shape.head, shape.width)
        made[at + "attn_output"] = product(shape.width, shape.heads * shape.head)
        made[at + "ffn_norm"] = gain()
        made[at + "ffn_gate"] = product(shape.inner, shape.width)
        made[at + "ffn_up"] = product(shape.inner, shape.width)
        made[at + "ffn_down"] = product(shape.width, shape.inner)
    made["output_norm"] = gain()
    return made
