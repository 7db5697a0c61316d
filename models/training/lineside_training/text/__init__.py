"""The text model: alarm and work-order lines written out, and their failure modes."""

import json

import numpy as np

from ..run import Run


def data(run: Run) -> None:
    """Chooses the tokens that are kept."""
    from . import encoder, lines

    meant = [" ".join(word for _, word in line) for name in "ab" for line in lines.company(run, name)]
    orders = [" ".join(order) for order in lines.orders(run)]
    run.used("all-MiniLM-L6-v2", encoder.folder() / "model.safetensors")
    document, numbers = encoder.tokenizer([*meant, *orders], run.config["vocabulary"])
    run.path("tokenizer.json").write_text(document, encoding="utf-8")
    run.path("tokens.json").write_text(json.dumps(numbers))
    run.say(f"{len(numbers)} tokens")


def train(run: Run) -> None:
    """Learns the normaliser from both companies, and the classifier on what the whole encoder reads."""
    from . import encoder, lines, normalise_fit

    encoder.use_one_thread(run)
    both = lines.company(run, "a") + lines.company(run, "b")
    forgotten = run.config["forgotten"]
    learned = normalise_fit.learn(both, lines.orders(run), encoder.english(), forgotten, run.seed)
    normalise_fit.save(learned, run.path("normaliser.json"))
    run.say("normaliser learned")
    _classifier(run, packed=False)


def export(run: Run) -> None:
    """Writes the model with whole weights."""
    from . import graph, made

    model = graph.build(made.build_encoder(run, packed=False), made.load(run.need("head-whole.npz", "train")))
    run.path("model-whole.onnx").write_bytes(model.SerializeToString())


def quantize(run: Run) -> None:
    """Packs the encoder's weights into four bits, fits the head to what it reads then, and writes the model."""
    from . import encoder, graph, made

    encoder.use_one_thread(run)
    _classifier(run, packed=True)
    model = graph.build(made.build_encoder(run, packed=True), made.load(run.path("head-packed.npz")))
    run.path("model.onnx").write_bytes(model.SerializeToString())
    run.say(f"{run.path('model.onnx').stat().st_size} bytes")


def _classifier(run: Run, packed: bool) -> None:
    from . import heads, judge, made

    tokenizer, them = made.tokens(run), made.material(run, made.normaliser(run))
    read = made.reading(made.build_encoder(run, packed), tokenizer, them.normalised)
    every = np.arange(len(them.normalised.truth))
    rows = judge.rows(them.normalised, read, every, run.config["phrase_weight"])
    classifier, chosen = heads.learn(rows, made.settings(run, len(them.labels)), run.seed)
    kind = "packed" if packed else "whole"
    made.save(classifier, run.path(f"head-{kind}.npz"))
    run.say(f"{kind}: {chosen}")


def evaluate(run: Run) -> None:
    """Judges both parts beside what is simple and what is trivial, and writes the figures down."""
    from . import encoder, evaluation

    encoder.use_one_thread(run)
    evaluation.run_all(run)


def pack(run: Run) -> None:
    """Writes the bundle and tries it in the agent."""
    from . import page

    page.pack(run)
