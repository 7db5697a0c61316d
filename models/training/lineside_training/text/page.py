"""The text model's card and bundle."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent, bundle, card, drift
from ..run import Run
from . import made
from .normalise import Normaliser

# Texts of the golden vectors: short, long, and one that no line of the data is like.
GOLDEN = (
    "hydraulic pump leaking",
    "motor will not start",
    "bearing noisy and running hot",
    "belt torn",
    "gauge reading wrong",
    "replace left hand track adjuster cylinder, oil leak at the front seal, machine stood down until parts arrive",
    "valve stuck open",
    "quarterly report attached",
)
TOLERANCE = 0.001
# Classes of a golden text, the likeliest first, and words of an answer.
SHOWN, CARRIED = 6, 3
EXAMPLES = ("REPL hyd cyl seal POS 2", "siezed bearing on drv end", "a/c u/s", "pump wont start", "wtr leak @ eng")
DESCRIPTION = "Writes alarm and work-order lines out and names the failure mode, one of 22 after ISO 14224."


def pack(run: Run) -> None:
    """Writes the bundle and has the agent try it; the card holds what the agent said."""
    figures = json.loads(run.need("evaluation.json", "evaluate").read_text())
    golden, normaliser = _golden(run), made.normaliser(run)
    _write(run, figures, golden, "")
    report = agent.bundle_test(run.folder / "bundle")
    examples = [_asked(run.folder / "bundle", text, normaliser) for text in EXAMPLES]
    size = sum(file.stat().st_size for file in (run.folder / "bundle").iterdir())
    _write(run, figures, golden, _page(run, figures, report, examples, size))
    agent.bundle_test(run.folder / "bundle")
    agent.bundle_pack(run.folder / "bundle", run.path("text.tar"))
    run.say(f"{report}")


def _write(run: Run, figures: dict[str, Any], golden: dict[str, Any], page: str) -> None:
    shown = {name: round(figures["ways"]["as it ships"][name], 4) for name in ("accuracy", "macro_f1", "ece")}
    described = bundle.Bundle(
        name="text",
        version=run.config["version"],
        release=run.config["release"],
        task="classify-text",
        description=DESCRIPTION,
        model=run.need("model.onnx", "quantize").read_bytes(),
        golden=golden,
        card=page,
        labels=tuple(figures["labels"]),
        tokenizer=run.need("tokenizer.json", "data").read_bytes(),
        language={"kind": "encoder", "context": run.config["context"], "output": "labels"},
        normaliser=run.need("normaliser.json", "train").read_text(encoding="utf-8"),
        evaluation=shown,
        tables={"drift": {"confidence": _recorded(run)}},
    )
    bundle.write(run, run.folder / "bundle", described)


def _recorded(run: Run) -> dict[str, Any]:
    """How sure it is of lines that it did not learn from; it answers all of them."""
    with np.load(run.need("chances.npz", "evaluate")) as file:
        sure = file["chances"].max(axis=1)
    return drift.confidence(sure, np.ones(len(sure), bool))


def _golden(run: Run) -> dict[str, Any]:
    """What torch says of a few texts."""
    tokenizer, shipped = made.tokens(run), made.load(run.need("head-packed.npz", "quantize"))
    reader, texts = made.build_encoder(run, packed=True).read_by(), []
    for text in GOLDEN:
        ids = tokenizer.encode(text).ids
        logits = shipped.logits(reader.read(ids).numpy()[None].astype(np.float64))[0]
        order = np.argsort(-logits, kind="stable")[:SHOWN]
        texts.append({"tokens": ids, "output": [[int(n), round(float(logits[n]), 5)] for n in order]})
    return {"tolerance": TOLERANCE, "texts": texts}


def _asked(folder: Path, text: str, normaliser: Normaliser) -> dict[str, Any]:
    """What the agent makes of a line; stops if it writes it out otherwise than here."""
    command = [agent.lineside(), "classify", "--model", folder, "--text", text, "--min-confidence", "0", "--json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if answer["normalised"] != normaliser.normalise(text):
        raise SystemExit(f"{text!r}: the agent writes {answer['normalised']!r}, not {normaliser.normalise(text)!r}")
    return answer | {"text": text}


def _page(
    run: Run, figures: dict[str, Any], report: dict[str, Any], examples: list[dict[str, Any]], size: int
) -> str:
    """The card."""
    ways, parts = figures["ways"], []
    parts.append(f"# Text model {run.config['version']}\n\n{INTRODUCTION}")
    rows = [(e["text"], e["normalised"], e["label"], e["confidence"]) for e in examples]
    parts.append("What the agent makes of made-up lines:\n")
    parts.append(card.table(("line", "written out", "failure mode", "probability"), rows))
    parts.append(DATA)
    parts.append(f"## Failure modes\n{PROTOCOL.format(splits=len(run.config['splits']))}\n")
    names = ("accuracy", "macro_f1", "accuracy_spread", "macro_f1_spread", "ece")
    parts.append(
        card.table(
            ("on lines it never saw", "accuracy", "macro-F1", "spread", "spread", "ECE"),
            [(name, *(found[figure] for figure in names)) for name, found in ways.items()],
        )
    )
    parts.append(AFTER)
    parts.append("### Answering only when sure\n")
    parts.append(card.table(("`min_confidence`", "answered", "accuracy among them"), figures["coverage"]))
    parts.append("### By class\n")
    parts.append(card.table(("failure mode", "lines", "recall", "precision"), figures["by_class"]))
    parts.append("### By kind of line\n")
    parts.append(card.table(("lines of", "answers", "accuracy"), figures["by_source"]))
    parts.append("### Confusion\nTruth down, answer across, all splits together.\n")
    parts.append(_confusion(figures))
    parts.append(CARRY)
    rows = [(one["written"], one["label"], _carried(one["words"])) for one in figures["occlusion"]]
    parts.append(card.table(("line", "answer", "what it loses without the word"), rows))
    parts.append(WRITING)
    rows = [
        (
            f"{one['train'].upper()} → {one['test'].upper()}",
            "words alone" if one["words_only"] else "all",
            *(one[name] for name in ("way", "made", "wrong", "net", "precision")),
        )
        for one in figures["normaliser"]
    ]
    parts.append(card.table(("company", "corrections", "way", "made", "wrong", "net", "precision"), rows))
    cost = {
        "bundle": f"{size / 1e6:.1f} MB",
        "largest difference to torch": f"{report['golden']['largest_difference']:.1e}",
        "p95 of one line": f"{report['p95_us'] / 1000:.1f} ms",
        "memory": f"{report['memory_kib'] / 1024:.0f} MiB",
    }
    parts.append(IN_THE_AGENT)
    parts.append(card.figures(cost))
    parts.append(LIMITS)
    return "\n".join(parts)


def _carried(words: list[list[Any]]) -> str:
    most = sorted(words, key=lambda word: -abs(word[1]))[:CARRIED]
    return ", ".join(f"{word} {loss:+.2f}" for word, loss in most)


def _confusion(figures: dict[str, Any]) -> str:
    """Classes by number, or the table would be as wide as all their names."""
    counts, labels = np.array(figures["confusion"]), figures["labels"]
    rows = [(f"{n} {label}", *(int(count) or "" for count in counts[n])) for n, label in enumerate(labels)]
    return card.table(("", *map(str, range(len(labels)))), rows)


INTRODUCTION = """\
Short real-world lines of alarms and work orders, as people and control systems write them, become (1) a line in
plain words and (2) one of 22 failure modes after ISO 14224, with a probability.

```toml
[slm.task.classify-text]
model = "/var/lib/lineside/models/text.tar"
min_confidence = 0.6   # below it the answer is "unknown"
```
```sh
lineside classify --model models/catalog/text --text "hyd pump wont start"
```
`POST /v1/classify` with `{"text": …}` answers with `label`, `confidence`, `scores`, and `normalised`: the line as it
was read.

## What it is
- **Normaliser** (`normaliser.json`, run by `agent/src/slm/normalise`): each word has candidates (what other lines made
  of it, words it abbreviates or misspells, two words run together, its parts at marks and numbers), a linear
  model weighs some sixty features of each, and what is likelier than not is written; else the word stays. Words, pairs
  and weights are data; nothing is generated.
- **Classifier**: kernel ridge regression on what all-MiniLM-L6-v2 makes of the line (mean of its token embeddings
  and of its last layer, each of length 1). Every line that was learned from votes for its class, the more the nearer
  it is; a least share and a power make votes probabilities. A line that is like none of them gets no votes, and so
  is told with little confidence. MiniLM is not trained further; it keeps 8 000 of its 30 522 tokens, at eight bits,
  and its matrices have four bits in blocks of 32. All of it is one ONNX graph.
"""

DATA = """\
## What it was made of
| set | used for | licence |
|---|---|---|
| MaintNorm, companies A and B | normaliser | MIT |
| MWO2KG, work orders (unlabelled) | words and pairs of the normaliser, choice of tokens | Apache-2.0 |
| MWO2KG, failure modes, train + dev: 564 lines, 22 classes | classifier | Apache-2.0 |
| `failure_modes.toml`: phrases from the definitions of ISO 14224:2016, written by hand | classifier | Apache-2.0 |
| all-MiniLM-L6-v2 | encoder | Apache-2.0 |
"""

PROTOCOL = """\
564 lines in five parts, stratified; every line is answered by a classifier that saw the other four parts; mean of
{splits} splits. How narrow the kernel is, the penalty and the calibration are chosen by five-fold cross-validation
within the training parts, by log loss. A definition's phrase that is also a line of the data is left out. "As it
ships" is after quantisation, on lines that the normaliser wrote out. A class of one line can be told only by its
definition. Macro-F1 is of all lines together; a mean over the parts would be higher.

That it is a kernel, and on which features, was chosen on the same lines, split otherwise, among some hundred variants.
All that were a kernel ridge on these features lay between .736 and .760 there, so little hangs on which one; linear
heads lay between .70 and .74. A third of the lines was seen before the definitions were written. So the figures are
a little optimistic; "without definitions" is free of the second.
"""

AFTER = """\
Spreads are the difference between the best and the worst split. With four bits the head is fitted to what the
packed encoder reads, so packing costs nothing that can be told from the spread. TF-IDF stands on the same splits as
the model, with the penalty that does best on these lines and balanced classes; words beside the letters make it worse,
for most lines have one or two. "The same with definitions" learned from the same phrases as ours, and weighs classes
as ours does. On three other splits TF-IDF of letters came to .709 at best, and to a macro-F1, as the mean over the
parts, of .559.
"""

CARRY = """\
### Which words carried it
The loss of probability when one word is taken out of the line, for the first lines of the data. The shipped model saw
these lines.
"""

WRITING = """\
## Writing out
Learned on one company, judged on all lines of the other. A position needs a correction where the meaning differs
from what was written; *net* is corrections made less wrong changes, over those needed. *Words alone* leaves out
capitals and the tags `<id>`, `<num>`, `<sensitive>`, `<date>`. A lookup writes what a word most often became. MaintIE
is left out, because a third of its lines are company B's. The weights' one setting was chosen on company A; what
candidates there are was worked out with errors on company B in sight, so that A → B is not blind.
The shipped normaliser learned from both.
"""

IN_THE_AGENT = """\
## In the agent
On the x86-64 core that it was made on, which others used as well, with a debug build. Memory is the peak, which is
that of loading: weights of four bits are unpacked to f32 then, through eight and sixteen bits.
"""

LIMITS = """\
## Limits
- English of mining, processing and mobile machines. Some classes overlap by their definitions
  (*Minor in-service problems*, *Breakdown*, *Fail to function*).
- An abbreviation that means two things (`rep`: repair, replace) is written as the company in the data meant it.
- Classes with under ten lines are seldom told; see the table.
- A misspelt rare word can become a common one. What the model read is shown beside the answer.
"""
