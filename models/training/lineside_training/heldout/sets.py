"""The held-out sets: which modes meet which machines, names, notes and other movements."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from . import fair, names
from .cases import row
from .episode import Episode, play
from .plants import LINEUPS, channels
from .signatures import Effect, Mode, modes

HERE = Path(__file__).parent
AUTHORS = ("oldhand", "engineer", "foreign", "apprentice", "cmms")
ASIDE_SHARE = 0.25


def _toml(name: str) -> dict:
    return tomllib.loads((HERE / name).read_text())


class Author:
    """Makes the cases of one set from one seed."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.noise = np.random.default_rng(seed)
        self.modes = modes()
        self.process = [mode for mode in self.modes.values() if mode.scope == "process"]
        self.notes, self.asides = _toml("authors.toml"), _toml("asides.toml")
        self.pairs = [(m, mode) for mode in self.process for m in mode.machines]
        self.sensor = [mode for mode in self.modes.values() if mode.scope != "process"]

    # What is measured.

    def lineup(
        self, machine: str, needed: list[Mode], all_of_them: bool, drop: float = 0.08
    ) -> list[tuple[str, int, int]]:
        """A line-up with most of what the modes move; `all_of_them`: also what no such machine has here."""
        wanted = [c for c in channels(self.rng.choice(LINEUPS[machine])) if c[1] or self.rng.random() > drop]
        usual = {key for text in LINEUPS[machine] for key, _, _ in channels(text)}
        for mode in needed:
            for at, effect in enumerate(sorted(mode.effects, key=lambda e: -e.seen)):
                key = effect.channel
                if key in {k for k, _, _ in wanted} or not (all_of_them or key in usual):
                    continue
                if at < 2 or self.rng.random() < 0.7:
                    wanted.append((key, 0, 1))
        # A channel that was dropped while its twin stayed is alone now.
        count = {key: sum(k == key for k, _, _ in wanted) for key, _, _ in wanted}
        seen: dict[str, int] = {}
        out = []
        for key, _, _ in wanted:
            out.append((key, seen.get(key, 0), count[key]))
            seen[key] = seen.get(key, 0) + 1
        self.rng.shuffle(out)
        return out

    def rivals(self, machine: str | None) -> list[Mode]:
        return [mode for mode in self.process if machine is None or machine in mode.machines]

    def one(self, machine: str, mode: Mode, anywhere: bool = False, distractions: int = 0) -> Episode | None:
        """An incident of one mode that an expert could decide; None where many attempts made none."""
        for _ in range(60):
            needed = [mode] if mode.scope == "process" else []
            wanted = self.lineup(machine, needed, anywhere)
            if distractions and self.rng.random() < 0.5:
                extra = self.rng.choice(("temperature@ambient", "moisture@ambient", "pressure@air"))
                wanted += [] if extra in {k for k, _, _ in wanted} else [(extra, 0, 1)]
            episode = play(self.rng, self.noise, machine, wanted, [mode], distractions)
            rivals = self.rivals(None if anywhere else machine)
            if episode and fair.decidable(episode, rivals) and (len(episode.left_over()) > 0) == (distractions > 0):
                return episode
        return None

    def of_table(self) -> tuple[str, Mode]:
        if self.rng.random() < 0.1:
            return self.rng.choice(list(LINEUPS)), self.rng.choice(self.sensor)
        return self.rng.choice(self.pairs)

    # What people write.

    def note(self, mode: str, author: str) -> list[str]:
        lines = [self.notes[mode][author]]
        if self.rng.random() < ASIDE_SHARE:
            lines.insert(self.rng.randint(0, 1), self.rng.choice(self.asides["neutral"]))
        return lines

    def other_note(self, machine: str, mode: Mode) -> tuple[list[str], str]:
        """What somebody wrote of another fault, more often than not one that this machine might have."""
        near = [m.id for m in self.rivals(machine)] if self.rng.random() < 0.6 else list(self.notes)
        other = self.rng.choice([m for m in near if m != mode.id])
        author = self.rng.choice(AUTHORS)
        lines = [self.rng.choice(self.asides["elsewhere"]) + self.notes[other][author]]
        if self.rng.random() < ASIDE_SHARE:
            lines.append(self.rng.choice(self.asides["neutral"]))
        return lines, other

    def maybe_plain(self, mode: str, share: float) -> tuple[list[str], str | None]:
        return (self.note(mode, "plain"), "plain") if self.rng.random() < share else ([], None)


def in_distribution(a: Author) -> Iterator[dict | None]:
    while True:
        machine, mode = a.of_table()
        episode = a.one(machine, mode, distractions=int(mode.scope == "process" and a.rng.random() < 0.1))
        yield episode and row(a.rng, episode, "plain", *a.maybe_plain(mode.id, 0.4))


def unseen_names(a: Author) -> Iterator[dict | None]:
    while True:
        machine, mode = a.of_table()
        style = a.rng.choice(names.STYLES)
        episode = a.one(machine, mode)
        yield episode and row(a.rng, episode, style, *a.maybe_plain(mode.id, 0.2), about=style)


def unseen_pairs(a: Author) -> Iterator[dict | None]:
    pairs = [(machine, a.modes[mode]) for mode, machines in _toml("elsewhere.toml").items() for machine in machines]
    while True:
        machine, mode = a.rng.choice(pairs)
        episode = a.one(machine, mode, anywhere=True)
        yield episode and row(a.rng, episode, "plain", *a.maybe_plain(mode.id, 0.2))


def unseen_wording(a: Author) -> Iterator[dict | None]:
    while True:
        machine, mode = a.of_table()
        author = a.rng.choice(AUTHORS)
        episode = a.one(machine, mode)
        yield episode and row(a.rng, episode, "plain", a.note(mode.id, author), author)


def misleading(a: Author) -> Iterator[dict | None]:
    while True:
        machine, mode = a.of_table()
        lines, other = a.other_note(machine, mode)
        episode = a.one(machine, mode)
        yield episode and row(a.rng, episode, "plain", lines, None, about=other)


def benign(a: Author) -> Iterator[dict | None]:
    pairs = [(machine, mode) for machine, mode in a.pairs if mode.benign]
    while True:
        machine, mode = a.rng.choice(pairs)
        style = a.rng.choice(("plain", *names.STYLES))
        episode = a.one(machine, mode, distractions=int(a.rng.random() < 0.1))
        yield episode and row(a.rng, episode, style, *a.maybe_plain(mode.id, 0.3), about=style)


def distractors(a: Author) -> Iterator[dict | None]:
    while True:
        machine, mode = a.rng.choice(a.pairs)
        style = a.rng.choice(("plain", "plain", *names.STYLES))
        episode = a.one(machine, mode, distractions=a.rng.choice((1, 1, 2)))
        yield episode and row(a.rng, episode, style, *a.maybe_plain(mode.id, 0.2), about=style)


def compound(a: Author) -> Iterator[dict | None]:
    by_machine = {m: [mode for machine, mode in a.pairs if machine == m and not mode.benign] for m in LINEUPS}
    while True:
        machine = a.rng.choice(list(LINEUPS))
        two = a.rng.sample(by_machine[machine], 2)
        episode = None
        if not _contrary(*two):
            for _ in range(20):
                got = play(a.rng, a.noise, machine, a.lineup(machine, two, False), two)
                if got and fair.both_decidable(got, a.rivals(machine)):
                    episode = got
                    break
        yield episode and row(a.rng, episode, "plain", *a.maybe_plain(two[0].id, 0.2))


def _contrary(one: Mode, other: Mode) -> bool:
    """Two faults that pull one channel both ways hide each other."""
    return any((mine := other.of(e.channel)) is not None and mine.movement != e.movement for e in one.effects)


def never_seen(a: Author) -> Iterator[dict | None]:
    known = []
    for fault in _toml("novel.toml")["fault"]:
        effects = tuple(Effect(c, m, s, o, tuple(f.split()), p) for c, m, s, o, f, p in fault["effects"])
        also = tuple(Effect(key, "up", "clear", 1, (), 1.0) for key in fault["also"].split())
        mode = Mode(f"novel:{fault['id']}", (fault["machine"],), effects, "process", False)
        known.append((mode, Mode("also", (), effects + also, "process", False), fault["note"]))
    while True:
        if a.rng.random() < 0.75:
            mode, wanted, note = a.rng.choice(known)
            machine = mode.machines[0]
        else:
            machine, note = a.rng.choice(list(LINEUPS)), ""
            mode = _random_fault(a, machine)
            wanted = mode
        style = a.rng.choice(("plain", "plain", *names.STYLES))
        episode = None
        for _ in range(20):
            got = play(a.rng, a.noise, machine, a.lineup(machine, [wanted], bool(note), drop=0.0), [mode])
            if got and fair.fits_nothing(got, a.rivals(machine)) and not got.left_over():
                episode = got
                break
        notes = [note] if note and a.rng.random() < 0.3 else []
        yield episode and row(a.rng, episode, style, notes, "plain" if notes else None, about=mode.id)


def _random_fault(a: Author, machine: str) -> Mode:
    """Movements without physics: only `unknown` is right."""
    keys = sorted({key for key, _, _ in channels(a.rng.choice(LINEUPS[machine]))})
    effects = []
    for key in a.rng.sample(keys, a.rng.randint(3, min(6, len(keys)))):
        movement = a.rng.choice(("up", "up", "down", "down", "swing"))
        size = a.rng.choice(("clear", "strong", "strong", "extreme"))
        effects.append(Effect(key, movement, size, a.rng.randint(1, 2), ("step", "ramp"), 1.0))
    return Mode("novel:random", (machine,), tuple(effects), "process", False)


SETS = {
    maker.__name__: maker
    for maker in (
        in_distribution,
        unseen_names,
        unseen_pairs,
        unseen_wording,
        misleading,
        never_seen,
        compound,
        benign,
        distractors,
    )
}


def make(name: str, seed: int, count: int) -> Iterator[dict]:
    """The first `count` cases of a set that are decidable."""
    cases = (case for case in SETS[name](Author(seed)) if case)
    for _ in range(count):
        yield next(cases)
