"""Small byte-level BPE tokenizers as the families of models have them."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from .text import sentences

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def byte_level(vocabulary: int, special: list[str], begin: str | None) -> Tokenizer:
    """A tokenizer with exactly so many tokens, the special ones last; what training does not fill is never used."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    learnt = min(vocabulary - len(special), 600)
    trainer = trainers.BpeTrainer(
        vocab_size=learnt, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(sentences(2000, seed=1), trainer)
    missing = vocabulary - len(special) - tokenizer.get_vocab_size()
    if missing:
        import json

        form = json.loads(tokenizer.to_str())
        have = len(form["model"]["vocab"])
        form["model"]["vocab"].update({f"never{at}": have + at for at in range(missing)})
        tokenizer = Tokenizer.from_str(json.dumps(form))
    tokenizer.add_special_tokens(special)
    if begin:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", pair=f"{begin} $A {begin} $B", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    return tokenizer


def save(folder: Path, tokenizer: Tokenizer, *, template: str | None, as_file: bool, **names: str) -> None:
    """Writes `tokenizer.json`, `tokenizer_config.json` and the chat template as transformers does."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    fast.chat_template = template
    fast.save_pretrained(folder, save_jinja_files=as_file)
