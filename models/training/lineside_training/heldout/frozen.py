"""The frozen sets as files: written, compared with their digests, and read."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .sets import make

FROZEN = Path(__file__).parent / "frozen.toml"
UNKNOWN = "unknown"


def frozen() -> dict[str, dict]:
    """Seed, count and digests of each set."""
    return tomllib.loads(FROZEN.read_text())["set"]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(name: str, seed: int, count: int, path: Path) -> None:
    lines = (json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in make(name, seed, count))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@dataclass(frozen=True)
class Set:
    """A held-out set."""

    name: str
    cases: list[dict]
    truths: list[dict]

    @property
    def truth(self) -> list[str]:
        return [truth["mode"] or UNKNOWN for truth in self.truths]

    def without_notes(self) -> "Set":
        return Set(f"{self.name} without notes", [case | {"notes": []} for case in self.cases], self.truths)


def held_out(folder: Path) -> dict[str, Set]:
    """The frozen sets, made anew where they are missing; stops if they are not the frozen ones."""
    folder.mkdir(parents=True, exist_ok=True)
    out = {}
    for name, entry in frozen().items():
        path = folder / f"{name}.jsonl"
        if not path.is_file() or digest(path) != entry["sha256"]:
            write(name, entry["seed"], entry["count"], path)
            if digest(path) != entry["sha256"]:
                raise SystemExit(f"{path}: not the frozen set: heldout/frozen.toml has another digest")
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        out[name] = Set(name, [row["case"] for row in rows], [row["truth"] for row in rows])
    for name in ("unseen_wording", "misleading"):
        bare = out[name].without_notes()
        out[bare.name] = bare
    return out
