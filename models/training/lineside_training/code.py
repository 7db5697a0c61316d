"""The digest of the code that a verb runs, so that a run notices what was made by other code.

Followed are the imports within this package, from the verb's own function on. Comments, docstrings
and layout do not count: a reworded sentence trains nothing again.
"""

import ast
import hashlib
from collections.abc import Collection
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# These run and record verbs; what a model is does not depend on them.
FRAME = {"__main__", "agent", "bundle", "card", "code", "mlflow_log", "run", "verbs"}


def digest(model: str, verb: str, verbs: Collection[str]) -> str:
    """SHA-256 over the function `verb` and all modules and data files it may read; `verbs` are all functions
    of that kind, whose code counts for themselves only."""
    start = PACKAGE / model / "__init__.py"
    tree = _tree(start)
    others = set(verbs) - {verb}
    tree.body = [node for node in tree.body if getattr(node, "name", None) not in others]
    seen: dict[Path, str] = {start: ast.dump(tree)}
    _follow(start, tree, seen)
    whole = hashlib.sha256()
    for path, text in sorted(seen.items()):
        whole.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + text.encode() + b"\0")
    for path in sorted((PACKAGE / model).rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            whole.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def _tree(path: Path) -> ast.Module:
    """The module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


def _follow(path: Path, tree: ast.Module, seen: dict[Path, str]) -> None:
    for found in _imports(path, tree):
        if found in seen or (found.parent == PACKAGE and found.stem in FRAME):
            continue
        inner = _tree(found)
        seen[found] = ast.dump(inner)
        _follow(found, inner, seen)


def _imports(path: Path, tree: ast.Module) -> list[Path]:
    """Files of this package that a module imports, anywhere in it."""
    found = []
    for node in ast.walk(tree):
        names: list[list[str]] = []
        if isinstance(node, ast.ImportFrom):
            base = list(path.relative_to(PACKAGE).parent.parts)
            if node.level:
                base = base[: len(base) - (node.level - 1)]
            elif (node.module or "").split(".")[0] == PACKAGE.name:
                base = []
            else:
                continue
            parts = (node.module or "").split(".") if node.module else []
            parts = parts if node.level else parts[1:]
            names = [base + parts] + [base + parts + [alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            split = [alias.name.split(".") for alias in node.names]
            names = [parts[1:] for parts in split if parts[0] == PACKAGE.name]
        for parts in names:
            place = PACKAGE.joinpath(*parts)
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file() and file != PACKAGE / "__init__.py":
                    found.append(file)
    return found
