"""The refit on SKAB, cross-fitted: no file is scored by weights that saw anything of it.

A valve file is scored by a refit on the normal recording and on the hours before the onsets of the files of the other
folds; the normal recording by a refit on the hours before all onsets. The limits stay those of the
shipped table: the recordings are too short to correct it. Through the agent, as everything else.
"""

from pathlib import Path
from typing import Any

import numpy as np

from .. import agent, bundle
from ..run import Run, data_folder
from . import dataset, graph, network, packed, product, recordings, refit
from .scorer import Scorer

FOLDS = 4


def skab(run: Run) -> dict[str, float]:
    """The refit's figures over all files."""
    folder = data_folder() / "skab"
    start, synthetic = network.load(run.need("weights.npz", "train")), dataset.load(run.need("rows.npz", "data"))
    everything = recordings.skab(data_folder())
    files = {recording.name: folder / "valve1" / recording.name for recording in everything[:-1]}
    names = list(files)
    normal = everything[-1].name
    files[normal] = folder / normal
    counts: list[dict[str, Any]] = []
    for at, fold in enumerate([*(names[at::FOLDS] for at in range(FOLDS)), [normal]]):
        seen = [before_onset(recording) for recording in everything if recording.name not in fold]
        weights = refit.fit(start, synthetic, refit.site_rows(seen, run.seed + at), run.seed + at)
        scorer = Scorer(weights)
        made = packed.made(run, "0.0.0", 1, "", {}, scorer, graph.build(scorer).SerializeToString())
        target = bundle.write(run, run.path(f"crossfit/{at}"), made)
        agent.bundle_test(target)
        # A recording without labels is known as normal only beside one that has them.
        beside = [] if fold != [normal] else [files[names[0]]]
        report = product.skab(target, [*(files[name] for name in fold), *beside])
        counts += [part for part in report["recordings"] if Path(part["name"]).name in fold]
        events, found = (sum(part[key] for part in counts) for key in ("events", "found"))
        run.say(f"refit, fold {at + 1} of {FOLDS + 1}: {found} of {events} events so far")
    return product.hourly(total(counts))


def before_onset(recording: recordings.Recording) -> np.ndarray:
    """The normal hours that a recording begins with."""
    end = recording.events()[0][0] if recording.anomalous.any() else len(recording.clock)
    return recording.values[:, :end]


def total(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of several reports as one; the median delay cannot be had of medians and is left out."""
    out: dict[str, Any] = {"median_delay_s": None}
    for key in ("events", "found", "found_within"):
        out[key] = sum(part[key] for part in counts)
    for key in ("before_onset", "normal"):
        out[key] = {name: sum(part[key][name] for part in counts) for name in ("alarms", "hours")}
    return out
