"""Four bits a weight, in blocks of 32 along a row with one scale each: the agent's own rule (`slm/import/blocks.rs`).

`rounded` is what such a matrix is worth, so that a model can be measured and trained as it will run.
"""

import numpy as np
import torch

BLOCK = 32
# The code of a weight of 0; codes are 0 to 15.
ZERO = 8


def codes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes u8 `[rows, blocks, 32]` and scales f32 `[rows, blocks]`, which are exact in half precision."""
    blocks = rows.reshape(len(rows), -1, BLOCK).astype(np.float32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(2)[..., None], 2)
    scales = (largest / -ZERO).astype(np.float32)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    found = np.clip(np.floor(blocks * inverse + (ZERO + 0.5)), 0, 15).astype(np.uint8)
    return found, scales[..., 0].astype(np.float16).astype(np.float32)


def packed(found: np.ndarray) -> np.ndarray:
    """Bytes `[rows, blocks, 16]`: two neighbours a byte, the first one low."""
    return found[..., 0::2] | found[..., 1::2] << 4


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """The numbers that the codes and scales of a matrix stand for."""
    blocks = weight.detach().float().unflatten(1, (-1, BLOCK))
    largest = blocks.gather(2, blocks.abs().argmax(2, keepdim=True))
    scales = largest / -ZERO
    inverse = torch.where(scales == 0, 0, 1 / scales)
    found = (blocks * inverse + (ZERO + 0.5)).floor().clamp(0, 15)
    return ((found - ZERO) * scales.half().float()).flatten(1)
