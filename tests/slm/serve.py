"""`python serve.py FOLDER`: llama.cpp's own server on loopback, with a model of random weights.

Prints its address. It ends with its standard input.
"""

import sys
from dataclasses import replace
from pathlib import Path

import xllamacpp
from material import gguf_file, tokenizer
from material.shape import SHAPES, weights

END = "<|endoftext|>"
# Evidence in a vocabulary of bytes takes some thousand tokens.
CONTEXT = 8192
# Each message on a line of its own, as random weights know no template.
CHAT = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"


def main() -> None:
    folder = Path(sys.argv[1])
    form = replace(SHAPES["tiny"], context=CONTEXT)
    words = tokenizer.byte_level(form.vocabulary, [END], None)
    tokenizer.save(folder, words, template=None, as_file=True, eos_token=END)
    gguf_file.write(form, weights(form, seed=40), folder / "tokenizer.json", folder / "model.gguf")

    settings = xllamacpp.CommonParams()
    settings.model.path = str(folder / "model.gguf")
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1
    settings.port = 0
    settings.warmup = False
    settings.chat_template = CHAT
    settings.cpuparams.n_threads = 1
    settings.endpoint_metrics = True
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


main()
