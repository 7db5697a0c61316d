"""Judges the variants that could ship: the same incidents in the words of each."""

import json

from .. import card
from ..run import Run
from . import pairs, shift_texts, texts

# Folder of the bundle's draft by the name of the variant; what ships is judged last, and on most texts.
FULL, FOUR_BITS = "full", "four-bits"


def evaluate(run: Run) -> None:
    """Writes `judged.json` (both variants), `words.json`, `shifts.json` and a page of each (what ships)."""
    ships = run.config["ships"]
    other = FOUR_BITS if ships == FULL else FULL
    judged = {}
    for name, count in ((other, run.config["judged_beside"]), (ships, run.config["judged"])):
        judged[name] = texts.evaluate(run, run.need(f"bundles/{name}", "quantize"), pairs.LEXICON, count)
        model = judged[name]["judged"]["model"]
        run.say(f"{name}: {model['texts without any error']} of {model['texts']} texts without any error")
    run.path("judged.json").write_text(json.dumps(judged, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    bundle = run.need(f"bundles/{ships}", "quantize")
    shifts = shift_texts.evaluate(run, bundle, pairs.LEXICON, run.config["judged_shifts"])["judged"]
    run.say(f"{ships}: {shifts['reports without any error']} of {shifts['reports']} shift reports without any error")
    card.curves(run, "loss", "loss")
    card.curves(run, "rate", "rate")
