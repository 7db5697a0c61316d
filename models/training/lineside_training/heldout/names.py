"""What channels and machines are called: plain English, and the habits of this author's vendors in four languages."""

import re
import tomllib
from pathlib import Path

from .plants import Sensor

WORDS = tomllib.loads((Path(__file__).parent / "names.toml").read_text())
STYLES = ("german", "french", "spanish", "plc", "tag", "scada", "synonym")


def _table(words: dict[str, str], machine: str, key: str) -> str | None:
    return words.get(f"{machine}:{key}", words.get(key))


def plain(machine: str, sensor: Sensor) -> str:
    """`bearing temperature`, as somebody who fills in a form would write."""
    found = _table(WORDS["special"], machine, sensor.key)
    if found is None:
        quantity, _, place = sensor.key.partition("@")
        found = " ".join(filter(None, (WORDS["place"].get(place), WORDS["quantity"][quantity])))
    return found + _which(sensor)


def _which(sensor: Sensor) -> str:
    if sensor.of == 1:
        return ""
    pair = WORDS["pair"].get(sensor.key.split("@")[0])
    if pair and sensor.of == 2 and sensor.key not in ("temperature@zone", "temperature@winding"):
        return pair[sensor.instance]
    return f" L{sensor.instance + 1}" if sensor.key == "current" else f" {sensor.instance + 1}"


def channel(style: str, machine: str, sensor: Sensor, number: int) -> tuple[str, str]:
    """A channel's name and what people call it. Without a description the name's words serve, as in the agent."""
    quantity, _, place = sensor.key.partition("@")
    short, places = WORDS["short"][quantity], WORDS["short_place"].get(place, ("", "", ""))
    suffix = "" if sensor.of == 1 else str(sensor.instance + 1)
    if style == "plain":
        label = plain(machine, sensor)
        return _slug(label), label
    if style in ("german", "french", "spanish"):
        words = _table(WORDS[style], machine, sensor.key)
        label = (words or plain(machine, sensor)) + (f" {suffix}" if suffix else "")
        return _slug(label), label
    if style == "plc":
        name = f"{('r', 'AI_', 'x')[number // 100 % 3]}{places[0]}{short[0]}{suffix}"
        return name, name.replace("_", " ")
    if style == "tag":
        name = "_".join(filter(None, (f"{short[1]}-{number}", places[1] or short[2], suffix)))
        return name, name.replace("_", " ")
    if style == "scada":
        name = "_".join(filter(None, (places[2], short[2], suffix))) + ".PV"
        return name, name.replace("_", " ")
    label = (_table(WORDS["synonym"], machine, sensor.key) or plain(machine, sensor)) + (f" {suffix}" if suffix else "")
    return _slug(label), label


def _slug(label: str) -> str:
    ascii_only = label.lower().translate(str.maketrans("äöüéèêíóáúñîç", "aoueeeioaunic")).replace("ß", "ss")
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")
