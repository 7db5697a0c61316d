"""The weights of a shape as a GGUF file with Q4_0 products, as llama.cpp reads it."""

import json
from pathlib import Path

import gguf
import numpy as np

from . import int4
from .shape import Shape


def interleaved(weights: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key product in llama.cpp's order: it turns neighbours, not halves."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write(shape: Shape, weights: dict[str, np.ndarray], tokenizer: Path, file: Path) -> None:
    """Writes the file, with the tokenizer in it."""
    out = gguf.GGUFWriter(str(file), "llama")
    out.add_context_length(shape.context)
    out.add_embedding_length(shape.width)
    out.add_block_count(shape.layers)
    out.add_feed_forward_length(shape.inner)
    out.add_head_count(shape.heads)
    out.add_head_count_kv(shape.groups)
    out.add_rope_dimension_count(shape.head)
    out.add_key_length(shape.head)
    out.add_value_length(shape.head)
    out.add_rope_freq_base(shape.theta)
    out.add_layer_norm_rms_eps(shape.epsilon)
    out.add_vocab_size(shape.vocabulary)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    words(out, json.loads(tokenizer.read_text()))
    for name, weight in weights.items():
        if name.endswith("attn_q"):
            weight = interleaved(weight, shape.heads)
        elif name.endswith("attn_k"):
            weight = interleaved(weight, shape.groups)
        if weight.ndim == 1:
            out.add_tensor(f"{name}.weight", weight)
        else:
            packed = int4.for_gguf(*int4.quantise(weight))
            out.add_tensor(f"{name}.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def words(out: gguf.GGUFWriter, tokenizer: dict) -> None:
    vocabulary = dict(tokenizer["model"]["vocab"])
    special = {added["content"]: added["id"] for added in tokenizer["added_tokens"]}
    vocabulary |= special
    tokens = sorted(vocabulary, key=vocabulary.get)
    kinds = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens)
    out.add_token_types(kinds)
    out.add_token_merges(merges)
    end = max(special.values())
    out.add_bos_token_id(end)
    out.add_eos_token_id(end)
    out.add_add_bos_token(False)
