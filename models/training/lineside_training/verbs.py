"""Verbs of a model in their order, what each was done with, and what has to be done again."""

import hashlib
import importlib
import json
import multiprocessing
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

from . import code
from .run import PACKAGE, Run

VERBS = ("data", "train", "export", "quantize", "evaluate", "pack")
# What ships. None of them needs another one to be made.
SHIPPED = ("detector", "incident", "words", "text")
MODELS = (*SHIPPED, "rig")


def model(name: str) -> ModuleType:
    """The folder of a model; nothing of another model is imported."""
    if not (PACKAGE / name / "__init__.py").is_file():
        raise SystemExit(f"{name}: no such model; there are {', '.join(MODELS)}")
    for verb in VERBS:
        # Once imported, such a file would stand in the package under the verb's name.
        if (PACKAGE / name / f"{verb}.py").is_file():
            raise SystemExit(f"{name}/{verb}.py hides the verb `{verb}` of {name}/__init__.py: name the file otherwise")
    return importlib.import_module(f"{__package__}.{name}")


def of(module: ModuleType) -> list[str]:
    """The verbs that a model has, in their order."""
    return [verb for verb in VERBS if callable(getattr(module, verb, None))]


def digests(run: Run, verbs: list[str]) -> dict[str, str]:
    """For each verb what it is made with: configuration, seed, its code, and the verbs before it."""
    settings = json.dumps([run.config, run.seed], sort_keys=True, default=str)
    before, out = hashlib.sha256(settings.encode()), {}
    if site := run.config.get("site"):
        before.update(run.used("site", Path(site)).encode())
    for verb in verbs:
        before.update(code.digest(run.model, verb, VERBS).encode())
        out[verb] = before.hexdigest()
    return out


def done(run: Run) -> dict[str, str]:
    """What was done, with the digest of what it was made with."""
    file = run.folder / "done.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def perform(run: Run, verb: str, again: bool = False) -> None:
    """Runs a verb of a model, or all that are not done; each is done once for the same ingredients."""
    module = model(run.model)
    own = of(module)
    if verb != "all" and verb not in own:
        raise SystemExit(f"{run.model} has no verb `{verb}`; it has {', '.join(own)}")
    current = digests(run, own)
    if verb == "all":
        for each in own:
            _once(run, each, getattr(module, each), current, again)
        return
    for earlier in own[: own.index(verb)]:
        found = done(run).get(earlier)
        if found != current[earlier]:
            why = "was made with another configuration, seed or code" if found else "was not done yet"
            raise SystemExit(
                f"{verb} {run.model}: `{earlier}` {why} in {run.folder}. "
                f"Run `python -m lineside_training {earlier} {run.model}`, or `all`, first."
            )
    _once(run, verb, getattr(module, verb), current, again)


def side_by_side(names: Sequence[str], jobs: int, make: Callable[[str], None]) -> None:
    """Makes several models, so many at a time, each in a process of its own. What one of them fails with is raised when
    the others are done."""
    if jobs == 1 or len(names) == 1:
        for name in names:
            make(name)
        return
    # A fresh process: what torch and the linear algebra have started does not survive a fork.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        # The models that are made last take longest.
        makings = [pool.submit(make, name) for name in reversed(names)]
    for making in makings:
        making.result()


def _once(run: Run, verb: str, action: Callable[[Run], None], current: dict[str, str], again: bool) -> None:
    record = done(run)
    if record.get(verb) == current[verb] and not again:
        run.say(f"{verb}: done before with the same configuration, seed and code (--again repeats it)")
        return
    partial, started = run.folder / f"{verb}.partial", run.folder / f"{verb}.started"
    # What was left half done goes on only if it was begun with the same ingredients.
    if again or not started.is_file() or started.read_text() != current[verb]:
        shutil.rmtree(partial, ignore_errors=True)
        if verb == "train":
            run.path("figures.jsonl").unlink(missing_ok=True)
    started.write_text(current[verb])
    # What follows was made from what is about to be replaced.
    later = VERBS[VERBS.index(verb) :]
    _write(run, {name: digest for name, digest in record.items() if name not in later})
    run.say(f"{verb} …")
    action(run)
    _write(run, done(run) | {verb: current[verb]})
    started.unlink()
    shutil.rmtree(partial, ignore_errors=True)


def _write(run: Run, record: dict[str, str]) -> None:
    file = run.path("done.json")
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(record, indent=1))
    fresh.replace(file)
