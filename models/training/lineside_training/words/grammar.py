"""Patterns with alternatives: `{a|b}` is one of them, `[a]` may be left out, both nest."""

from __future__ import annotations

import functools
from random import Random

Node = str | tuple[str, tuple["Sequence", ...]]
Sequence = tuple[Node, ...]


@functools.cache
def parse(pattern: str) -> Sequence:
    """A pattern as a tree."""
    for mark in "{}[]|":
        pattern = pattern.replace(mark, f" {mark} ")
    nodes, rest = _sequence(pattern.split())
    if rest:
        raise ValueError(f"{pattern!r}: {rest[0]} closes nothing")
    return nodes


def _sequence(tokens: list[str]) -> tuple[Sequence, list[str]]:
    nodes: list[Node] = []
    while tokens and tokens[0] not in "}]|":
        token, tokens = tokens[0], tokens[1:]
        if token not in ("{", "["):
            nodes.append(token)
            continue
        closing = "}" if token == "{" else "]"
        options: list[Sequence] = [()] if token == "[" else []
        while True:
            option, tokens = _sequence(tokens)
            options.append(option)
            if not tokens:
                raise ValueError(f"{token} is never closed")
            last, tokens = tokens[0], tokens[1:]
            if last == closing:
                break
        nodes.append(("any", tuple(options)))
    return tuple(nodes), tokens


def expand(rng: Random, pattern: str) -> list[str]:
    """One of the texts of a pattern."""
    words: list[str] = []
    _expand(rng, parse(pattern), words)
    return words


def _expand(rng: Random, nodes: Sequence, words: list[str]) -> None:
    for node in nodes:
        if isinstance(node, str):
            words.append(node)
        else:
            _expand(rng, node[1][int(rng.random() * len(node[1]))], words)
