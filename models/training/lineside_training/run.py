"""A run: the folder that one training of one model works in, and what it says about itself.

Everything that decides the result is written down: configuration, seed, code, and the digest of every
set that was read. A verb that is run again finds what it left and goes on from there.
"""

import hashlib
import json
import os
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parents[2]


@dataclass
class Run:
    """Where a model is made: `folder` holds all it writes, `config` what was asked for."""

    model: str
    folder: Path
    config: dict[str, Any]
    seed: int
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def open(
        cls,
        model: str,
        folder: Path,
        seed: int = 7,
        config: Path | None = None,
        changes: dict[str, Any] | None = None,
    ) -> "Run":
        """Makes the folder; the configuration is `configs/MODEL.toml` unless another file is named.

        `changes` stand in for single keys of it.
        """
        file = config or PACKAGE / "configs" / f"{model}.toml"
        if config and not config.is_file():
            raise SystemExit(f"{config}: not found: --config names a TOML file")
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except tomllib.TOMLDecodeError as error:
            raise SystemExit(f"{file}: {error}") from error
        settings |= changes or {}
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(model, folder, settings, seed)
        run.used("configuration", json.dumps(settings, sort_keys=True).encode())
        return run

    def path(self, name: str) -> Path:
        """A file of the run."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def partial(self, verb: str, name: str) -> Path:
        """A file for what a verb has done so far, such as a checkpoint.

        It is there again when the verb is interrupted and run with the same configuration, seed and code, and
        is cleared when any of them changed and when the verb is done.
        """
        return self.path(f"{verb}.partial/{name}")

    def say(self, text: str) -> None:
        """Progress, on the error stream."""
        print(f"{self.model} {time.monotonic() - self.started:7.1f} s  {text}", file=sys.stderr, flush=True)

    def log(self, step: int, **figures: float) -> None:
        """Figures of a step: what the curves are drawn from."""
        with self.path("figures.jsonl").open("a") as file:
            file.write(json.dumps({"step": step} | figures) + "\n")

    def figures(self) -> list[dict[str, float]]:
        """What was logged, in its order."""
        file = self.folder / "figures.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []

    def need(self, name: str, verb: str) -> Path:
        """A file that an earlier verb left; says which verb makes it when it is missing."""
        path = self.folder / name
        if not path.exists():
            raise SystemExit(f"{path}: not found. `python -m lineside_training {verb} {self.model}` makes it.")
        return path

    def used(self, name: str, what: Path | bytes) -> str:
        """Writes down the digest of a set that was read; a folder counts with all its files."""
        digest = hashlib.sha256()
        if isinstance(what, bytes):
            digest.update(what)
        else:
            files = sorted(p for p in what.rglob("*") if p.is_file()) if what.is_dir() else [what]
            for file in files:
                digest.update(file.relative_to(what.parent).as_posix().encode() + b"\0" + file.read_bytes())
        record = self.path("used.json")
        known = json.loads(record.read_text()) if record.is_file() else {}
        known[name] = digest.hexdigest()
        record.write_text(json.dumps(known, indent=1, sort_keys=True))
        return known[name]


def data_folder() -> Path:
    """Where the open recordings and texts lie; says what to do when they are missing."""
    folder = Path(os.environ.get("LINESIDE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        raise SystemExit(f"{folder}: not found. Set LINESIDE_DATA to the folder of the open data.")
    return folder
