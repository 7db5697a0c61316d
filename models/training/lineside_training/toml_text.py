"""TOML for manifests: tables of plain values, in the order given. Python reads TOML and does not write it."""

import json
from collections.abc import Mapping
from typing import Any


def document(values: Mapping[str, Any]) -> str:
    """The text of a document: keys first, then its tables."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    lines = [f"{key_of(key)} = {inline(value)}" for key, value in plain.items()]
    for key, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", *_table(key_of(key), table)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(name: str, table: Mapping[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{key_of(key)} = {inline(value)}" for key, value in table.items())]


def key_of(key: str) -> str:
    """A key, quoted where it has to be."""
    bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    return key if bare else json.dumps(key, ensure_ascii=False)


def inline(value: Any) -> str:
    """A value on one line; tables within a table are inline ones."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key_of(k)} = {inline(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(v) for v in value) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}: {value!r}")
