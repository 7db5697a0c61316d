"""`python -m lineside_training detector --out FOLDER`: trains, calibrates and writes the bundle."""

import argparse
import hashlib
import sys
from pathlib import Path

from . import alarms, calibrate, dataset, evaluate, export, features, pack, train
from .scorer import Scorer

# Rigs of four channels to learn from; more changes nothing that is seen.
RIGS = 2000
CALIBRATION_RIGS = 48
# The evaluation is run at the limit for this rate per window: five a day at one window a second.
RATE_OF_EVALUATION = 5 / 86_400


def say(text: str) -> None:
    """Progress, on the error stream."""
    print(text, file=sys.stderr, flush=True)


def detector(arguments: argparse.Namespace) -> None:
    """Trains and writes the bundle."""
    values, labels, _ = dataset.streams(arguments.seed, arguments.rigs)
    digest = hashlib.sha256(values.tobytes() + labels.tobytes()).hexdigest()
    say(f"{len(values)} streams of {values.shape[1]} ticks; features …")
    rows = dataset.rows(features.bank, values, labels, arguments.seed)
    say(f"{len(rows.labels)} rows; training …")
    scorer = Scorer(train.train(rows, arguments.seed, report=say))
    say("calibrating …")
    scores = calibrate.held_out(scorer, features.bank, arguments.seed, arguments.calibration_rigs)
    limits = calibrate.table(scores)
    figures = {}
    base = calibrate.limit_at(limits, RATE_OF_EVALUATION)
    if arguments.data:
        figures = {"limit": base} | evaluate.skab(scorer, features.bank, arguments.data, base)
        figures |= evaluate.nab(scorer, features.bank, arguments.data, base)
    facts = pack.Facts(
        version=arguments.version,
        release=arguments.release,
        seed=arguments.seed,
        rows=len(rows.labels),
        streams=len(values),
        limits=limits,
        data_sha256=digest,
        evaluation=figures,
        calibrated_ticks=sum(len(s) - alarms.WARM_UP for s in scores),
    )
    pack.write(arguments.out, scorer, export.build(scorer), rows.features, facts)
    for name, value in figures.items():
        print(f"{name:32} {value:.3f}")


def main() -> None:
    """Reads the arguments and runs the command."""
    parser = argparse.ArgumentParser(prog="python -m lineside_training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("detector", help="train the detector and write its bundle")
    command.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    command.add_argument("--data", type=Path, help="folder with skab/ and nab/, scored for the card, never trained on")
    command.add_argument("--seed", type=int, default=7)
    command.add_argument("--rigs", type=int, default=RIGS)
    command.add_argument("--calibration-rigs", type=int, default=CALIBRATION_RIGS)
    command.add_argument("--version", default="1.0.0")
    command.add_argument("--release", type=int, default=1)
    command.set_defaults(run=detector)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
