"""Writes a model's bundle: the manifest of docs/reference/bundle.md, the files it names, and its provenance."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import __version__, toml_text
from .run import REPOSITORY, Run

CATALOG = REPOSITORY / "models" / "catalog"
PAGES = REPOSITORY / "docs" / "models"
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Tensor:
    """What goes in or comes out; a dimension is a number, or a name for as many as the device has."""

    name: str
    shape: tuple[int | str, ...]

    def table(self) -> dict[str, Any]:
        """As the manifest writes it."""
        return {"name": self.name, "type": "f32", "shape": self.shape}


@dataclass(frozen=True)
class Bundle:
    """All that a bundle says and holds but digests and provenance, which follow from it and from the run.

    `golden` is the document of golden vectors. `language` holds the keys of `[language]` without the files,
    which are `chat_template`, `lexicon` and `normaliser`. `files` are further files by the table that names them,
    such as `{"signatures": ("signatures.toml", …)}`; `tables` are further tables as they are.
    """

    name: str
    version: str
    release: int
    task: str
    description: str
    model: bytes
    golden: dict[str, Any]
    card: str
    also: tuple[str, ...] = ()
    licence: str = LICENCE
    format: str = "onnx"
    input: Tensor | None = None
    output: Tensor | None = None
    labels: tuple[str, ...] = ()
    tokenizer: bytes | None = None
    language: dict[str, Any] = field(default_factory=dict)
    chat_template: str | None = None
    lexicon: str | None = None
    normaliser: str | None = None
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requires: dict[str, Any] = field(default_factory=dict)
    budget: dict[str, int] = field(default_factory=dict)
    trial: dict[str, Any] = field(default_factory=dict)
    detector: dict[str, Any] = field(default_factory=dict)
    preprocessing: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)


def write(run: Run, folder: Path, bundle: Bundle) -> Path:
    """Writes the bundle, replacing what was there; gives the folder back."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    manifest: dict[str, Any] = {"schema": 1, "name": bundle.name, "version": bundle.version}
    manifest |= {"release": bundle.release, "task": bundle.task}
    manifest |= {"also": bundle.also} if bundle.also else {}
    manifest |= {"licence": bundle.licence, "description": bundle.description}

    def file(name: str, data: bytes) -> dict[str, Any]:
        (folder / name).write_bytes(data)
        return {"file": name, "sha256": hashlib.sha256(data).hexdigest()}

    named = file(f"model.{bundle.format}", bundle.model)
    model: dict[str, Any] = {"file": named["file"], "format": bundle.format, "sha256": named["sha256"]}
    model |= {"bytes": len(bundle.model)}
    model |= {"input": bundle.input.table()} if bundle.input else {}
    model |= {"output": bundle.output.table()} if bundle.output else {}
    manifest["model"] = model | ({"labels": bundle.labels} if bundle.labels else {})
    manifest["golden"] = file("golden.json", json.dumps(bundle.golden).encode())
    manifest["card"] = file("card.md", bundle.card.encode())
    if bundle.tokenizer is not None:
        manifest["tokenizer"] = file("tokenizer.json", bundle.tokenizer)
    if bundle.language:
        language = dict(bundle.language)
        if bundle.chat_template is not None:
            language["chat_template"] = file("chat.jinja", bundle.chat_template.encode())
        if bundle.lexicon is not None:
            language["lexicon"] = file("lexicon.toml", bundle.lexicon.encode())
        if bundle.normaliser is not None:
            language["normaliser"] = file("normaliser.json", bundle.normaliser.encode())
        manifest["language"] = language
    for role, (name, data) in bundle.files.items():
        manifest[role] = file(name, data)
    for key in ("requires", "budget", "trial", "detector", "preprocessing", "evaluation"):
        if table := getattr(bundle, key):
            manifest[key] = table
    manifest |= bundle.tables
    manifest["provenance"] = provenance(run)
    (folder / "manifest.toml").write_text(toml_text.document(manifest), encoding="utf-8")
    return folder


def provenance(run: Run) -> dict[str, Any]:
    """Code, seed, and the digest of everything that the run read."""
    used = json.loads((run.folder / "used.json").read_text())
    data = [{"name": name, "sha256": digest} for name, digest in sorted(used.items())]
    return {"code": f"lineside_training {__version__}, {revision()}", "seed": run.seed, "data": data}


def revision() -> str:
    """The commit of the code, and whether the training's code was changed since."""
    git = ["git", "-C", str(REPOSITORY)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], check=True, capture_output=True, text=True)
        status = [*git, "status", "--porcelain", "--", "models/training"]
        changed = subprocess.run(status, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "revision unknown"
    return f"revision {head.stdout.strip()}" + (" with changes" if changed else "")


def ship(run: Run) -> None:
    """Puts the run's bundle into the catalogue, and its card with the curves into the documentation."""
    source = run.need("bundle", "pack")
    name = next(
        line.split('"')[1] for line in (source / "manifest.toml").read_text().splitlines() if line.startswith("name = ")
    )
    target = CATALOG / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    page, curves = (source / "card.md").read_text(encoding="utf-8"), sorted((run.folder / "curves").glob("*.png"))
    if curves:
        pictures = PAGES / name
        shutil.rmtree(pictures, ignore_errors=True)
        pictures.mkdir(parents=True)
        page += "\n## Curves\n"
        for curve in curves:
            shutil.copy(curve, pictures)
            page += f"\n![{curve.stem.replace('-', ' ')}]({name}/{curve.name})\n"
    PAGES.mkdir(parents=True, exist_ok=True)
    (PAGES / f"{name}.md").write_text(page, encoding="utf-8")
    run.say(f"shipped: {target}, {PAGES / name}.md")
