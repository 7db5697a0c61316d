"""Four bits a weight, in blocks of 32 with one scale each: the rule of ggml's Q4_0 and of MatMulNBits."""

import numpy as np

BLOCK = 32
# The code of a weight of 0.
ZERO = 8


def quantise(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes `[rows, blocks, 32]` of 0 to 15 and scales `[rows, blocks]`, which are exact in half precision."""
    rows, columns = weights.shape
    blocks = weights.reshape(rows, columns // BLOCK, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)[..., 0]
    scales = (largest / -ZERO).astype(np.float32)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    codes = np.clip(np.floor(blocks * inverse[..., None] + (ZERO + 0.5)), 0, 15).astype(np.uint8)
    return codes, scales.astype(np.float16).astype(np.float32)


def for_onnx(codes: np.ndarray) -> np.ndarray:
    """Bytes `[rows, blocks, 16]` of MatMulNBits: two neighbours a byte, the first one low."""
    return codes[..., 0::2] | codes[..., 1::2] << 4


def for_gguf(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Bytes `[rows, blocks * 18]` of Q4_0: the scale, then weight i low and weight i + 16 high."""
    packed = codes[..., : BLOCK // 2] | codes[..., BLOCK // 2 :] << 4
    halves = scales.astype(np.float16)[..., None].view(np.uint8)
    return np.concatenate([halves, packed], axis=2).reshape(codes.shape[0], -1)
