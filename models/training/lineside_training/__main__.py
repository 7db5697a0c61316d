"""`python -m lineside_training VERB MODEL`: makes a model, verb by verb, in a folder that says how."""

import argparse
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from . import making, verbs

SEED = 7


def setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of a configuration, the value as TOML writes it."""
    try:
        ((key, value),) = tomllib.loads(text).items()
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"`{text}` is not KEY=VALUE as in TOML: {error}") from error
    return key, value


def count(text: str) -> int:
    """A number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of models, 1 or more")
    return int(text)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m lineside_training", description=__doc__)
    parser.add_argument("verb", choices=(*verbs.VERBS, "all"), help="what to do; `all` does what is not done yet")
    parser.add_argument("model", choices=(*verbs.MODELS, "all"), help="`all` is every model that ships, in order")
    parser.add_argument("--run", type=Path, metavar="DIR", help=f"folder of the run; default {making.RUNS}/MODEL")
    parser.add_argument("--seed", type=int, default=SEED, help="decides everything that is random (%(default)s)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: the model's in lineside_training/configs")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="changes one key")
    parser.add_argument("--site", type=Path, metavar="DIR", help="a site's own recordings or examples")
    parser.add_argument("--again", action="store_true", help="also what is done already")
    parser.add_argument("--ship", action="store_true", help="after `pack`: replace models/catalog and docs/models")
    parser.add_argument("--jobs", type=count, default=1, metavar="N", help="models made at a time; one takes one core")
    parser.add_argument("--mlflow", type=Path, metavar="DIR", help="log the run there, in MLflow's file form")
    return parser.parse_args()


def main() -> None:
    """Reads the arguments and performs the verbs."""
    asked = arguments()
    names = verbs.SHIPPED if asked.model == "all" else (asked.model,)
    if asked.model == "all" and (asked.config or asked.site or asked.set):
        raise SystemExit("--config, --site and --set belong to one model: name it instead of `all`")
    changes = dict(asked.set)
    if asked.site:
        if not asked.site.is_dir():
            raise SystemExit(f"--site {asked.site}: no such folder")
        changes["site"] = str(asked.site.resolve())
    for name in names:
        verbs.model(name)
    verbs.side_by_side(names, asked.jobs, partial(making.make, asked, changes))


if __name__ == "__main__":
    main()
