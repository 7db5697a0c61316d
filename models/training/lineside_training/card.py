"""Parts of model cards: tables in Markdown, curves as PNG.

A bundle's card has no pictures, since a bundle names its files by role: `RUN/curves/*.png` go to
`docs/models/NAME/` beside the card when the model ships.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .run import Run
from .scores import Array, coverage, reliability

# Inches and dots per inch: a curve is below 60 kB and readable in a page.
SIZE, DOTS = (5.6, 3.6), 90


def cell(value: Any) -> str:
    """A value as a card writes it."""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < math.inf else "–"
    return str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; floats with three decimals."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def figures(values: Mapping[str, Any]) -> str:
    """A table of named figures."""
    return table(("figure", "value"), list(values.items()))


def confusion(counts: Array, labels: Sequence[str]) -> str:
    """A table of counts: truth down, answer across."""
    rows = [[f"**{label}**", *(int(n) or "" for n in row)] for label, row in zip(labels, counts)]
    return table(("truth \\ answer", *labels), rows)


def curves(run: Run, name: str, *columns: str) -> None:
    """Figures of `figures.jsonl` over the steps, one line a column."""
    logged = run.figures()
    with _drawing(run, name) as axes:
        for column in columns:
            points = [(row["step"], row[column]) for row in logged if column in row]
            axes.plot([x for x, _ in points], [y for _, y in points], label=column.replace("_", " "))
        axes.set_xlabel("step")
        axes.legend()


def reliability_plot(run: Run, name: str, right: Array, confidence: Array) -> None:
    """Share right over confidence, with the diagonal that a calibrated model lies on."""
    bins = reliability(right, confidence)
    with _drawing(run, name) as axes:
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        axes.plot([sure for sure, _, _ in bins], [share for _, share, _ in bins], marker="o")
        axes.set_xlabel("confidence")
        axes.set_ylabel("share right")


def coverage_plot(run: Run, name: str, lines: Mapping[str, tuple[Array, Array]]) -> None:
    """Accuracy over the share answered; for each line which rows are right, and the confidence in them."""
    with _drawing(run, name) as axes:
        for label, (right, confidence) in lines.items():
            axes.plot(*coverage(right, confidence), label=label)
        axes.set_xlabel("share answered")
        axes.set_ylabel("accuracy among them")
        axes.legend()


class _drawing:
    """One diagram, written when it is complete."""

    def __init__(self, run: Run, name: str):
        self.path = run.path(f"curves/{name}.png")

    def __enter__(self):
        # Loaded here: no other part of a training needs it.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
        FigureCanvasAgg(self.figure)
        axes = self.figure.add_subplot()
        axes.grid(alpha=0.3)
        return axes

    def __exit__(self, kind, *_) -> None:
        if kind is None:
            # Without the program's version, so that the same curve is the same file.
            self.figure.savefig(self.path, metadata={"Software": None})
