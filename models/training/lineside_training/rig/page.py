"""The report on a recipe: every head beside its baselines, by what is unseen, by regime, by asset."""

from typing import Any

from .. import card
from .cycles import Cycles
from .judge import ACCURATE

WORST = 6


def report(found: Cycles, figures: dict[str, Any]) -> str:
    """Markdown."""
    text = "# States of a machine's parts, from its cycles\n\n"
    text += f"{len(found.values)} cycles, {len(found.channels)} channels: {', '.join(found.channels)}.\n\n"
    text += "No figure below is of a cycle that its head, or one like it, saw.\n"
    for unseen, heads in figures.items():
        text += f"\n## {unseen.capitalize()}\n\n"
        rows = [
            (name, entry["accuracy"], entry["macro_f1"], entry["ece"], *entry["baselines"].values())
            for name, entry in heads.items()
        ]
        names = list(next(iter(heads.values()))["baselines"])
        text += card.table(("head", "accuracy", "macro F1", "ECE", *names), rows)
        text += f"\nAbstention; shares answered are the largest at which {ACCURATE} of the answers are right:\n\n"
        rows = [
            (
                name,
                entry["covered"],
                entry["accuracy_where_covered"],
                entry["answered_by_confidence"],
                entry["answered_by_confidence_where_covered"],
            )
            for name, entry in heads.items()
        ]
        header = ("head", "covered", "accuracy there", "answered by confidence", "by confidence where covered")
        text += card.table(header, rows) + "\n"
        for name, entry in heads.items():
            worst = sorted(entry["groups"].items(), key=lambda item: item[1][1])[:WORST]
            text += f"### {name}\n\n{card.confusion(entry['confusion'], found.classes[name])}\n"
            text += "Worst regimes and assets:\n\n"
            text += card.table(("group", "cycles", "accuracy"), [(group, *figure) for group, figure in worst]) + "\n"
    return text
