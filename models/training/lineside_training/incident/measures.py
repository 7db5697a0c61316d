"""What channels measure: plausible levels and the units in which plants write them, so that values agree with names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Unit:
    """A unit as a configuration writes it: `written = canonical * factor + offset`."""

    text: str
    factor: float = 1.0
    offset: float = 0.0
    weight: float = 1.0


def _units(*rows: tuple[str, float, float]) -> tuple[Unit, ...]:
    return tuple(Unit(text, factor, 0.0, weight) for text, factor, weight in rows)


_KELVIN = Unit("K", 1.0, 273.15, 0.2)
_CELSIUS = (Unit("°C", weight=6), Unit("degC", weight=2), Unit("C", weight=1), Unit("deg C", weight=0.5))
_FAHRENHEIT = (Unit("°F", 1.8, 32.0, 1.0), Unit("degF", 1.8, 32.0, 0.6))

UNITS: dict[str, tuple[Unit, ...]] = {
    "pressure_difference": _units(
        ("mbar", 1000, 3), ("bar", 1, 2), ("kPa", 100, 1), ("Pa", 1e5, 1), ("psi", 14.5, 0.6)
    ),
    "pressure": _units(
        ("bar", 1, 8), ("barg", 1, 1), ("bar(g)", 1, 0.5), ("mbar", 1000, 1), ("kPa", 100, 2), ("MPa", 0.1, 0.8),
        ("psi", 14.5, 1.5), ("psig", 14.5, 0.4), ("kg/cm2", 1.02, 0.4),
    ),
    "flow": _units(
        ("m3/h", 1, 6), ("m³/h", 1, 3), ("l/min", 16.667, 4), ("lpm", 16.667, 0.7), ("l/s", 0.27778, 1.2),
        ("kg/h", 1000, 1), ("t/h", 1, 0.6), ("gpm", 4.4029, 1), ("Nm3/h", 1, 0.6), ("cfm", 0.5886, 0.4),
    ),
    "level": _units(("%", 100, 6), ("mm", 1000, 2), ("cm", 100, 0.6), ("", 100, 1)),
    "temperature": (*_CELSIUS, *_FAHRENHEIT, _KELVIN),
    "vibration": _units(
        ("mm/s", 1, 8), ("mm/s rms", 1, 1.5), ("m/s2", 0.7, 1), ("in/s", 0.03937, 0.6), ("µm", 9, 0.7)
    ),
    "current": _units(("A", 1, 9), ("mA", 1000, 0.5), ("Amps", 1, 0.7), ("amp", 1, 0.4)),
    "voltage": _units(("V", 1, 9), ("kV", 0.001, 0.6), ("VAC", 1, 0.8), ("volt", 1, 0.3)),
    "power": _units(("kW", 1, 9), ("W", 1000, 1), ("hp", 1.341, 0.7), ("kVA", 1.1, 0.4)),
    "speed": _units(("rpm", 1, 6), ("1/min", 1, 2), ("U/min", 1, 1), ("Hz", 1 / 60, 2), ("r/min", 1, 0.5)),
    "torque": _units(("Nm", 1, 8), ("kNm", 0.001, 0.7), ("lbf ft", 0.7376, 0.3)),
    "force": _units(("N", 1, 4), ("kN", 0.001, 4), ("lbf", 0.2248, 0.3)),
    "position": _units(("mm", 1, 4), ("°", 0.9, 0.7), ("deg", 0.9, 0.7), ("%", 1, 2)),
    "weight": _units(("kg", 1, 6), ("g", 1000, 2), ("t", 0.001, 0.5), ("lb", 2.2046, 0.5)),
    "conductivity": _units(("µS/cm", 1000, 3), ("uS/cm", 1000, 2), ("mS/cm", 1, 3)),
    "moisture": _units(("ppm", 1, 3), ("%rh", 0.1, 2), ("% rh", 0.1, 0.7), ("%", 0.1, 1)),
    "particles": _units(("ISO 4406", 1, 2), ("mg/l", 1, 2), ("1/ml", 20, 1), ("counts", 20, 1)),
    "sound": _units(("dB", 1, 4), ("dB(A)", 1, 2), ("dBA", 1, 2)),
    "cycle_time": _units(("s", 1, 6), ("ms", 1000, 2), ("s/cycle", 1, 0.7), ("s/part", 1, 0.5)),
}

# Lowest and highest usual level in the canonical unit, and its usual movement as a share of the level.
_LEVELS: dict[str, tuple[float, float, float]] = {
    "pressure_difference": (0.05, 1.5, 0.03),
    "pressure": (1.5, 12.0, 0.015),
    "flow": (2.0, 300.0, 0.02),
    "level": (0.35, 0.9, 0.015),
    "temperature": (25.0, 75.0, 0.01),
    "vibration": (0.6, 5.0, 0.06),
    "current": (3.0, 200.0, 0.02),
    "voltage": (220.0, 690.0, 0.005),
    "power": (1.0, 250.0, 0.02),
    "speed": (300.0, 3000.0, 0.004),
    "torque": (20.0, 2000.0, 0.03),
    "force": (200.0, 40000.0, 0.03),
    "position": (8.0, 90.0, 0.02),
    "weight": (0.3, 400.0, 0.015),
    "conductivity": (0.2, 8.0, 0.02),
    "moisture": (40.0, 600.0, 0.04),
    "particles": (8.0, 22.0, 0.03),
    "sound": (62.0, 92.0, 0.012),
    "cycle_time": (1.5, 60.0, 0.02),
}
# Places and machines at which the usual level is another.
_SPECIAL: dict[str, tuple[float, float]] = {
    "pressure@inlet": (0.2, 3.0),
    "pressure@vacuum": (0.1, 0.6),
    "pressure@air": (5.0, 7.5),
    "pressure@oil": (1.5, 6.0),
    "temperature@zone": (140.0, 280.0),
    "temperature@flue": (120.0, 260.0),
    "temperature@evaporator": (1.5, 9.0),
    "temperature@condenser": (28.0, 45.0),
    "temperature@ambient": (15.0, 32.0),
    "temperature@coolant": (12.0, 32.0),
    "temperature@winding": (55.0, 110.0),
    "hydraulic_unit/pressure@outlet": (60.0, 280.0),
    "extruder/pressure@outlet": (60.0, 300.0),
    "fan/pressure@outlet": (0.005, 0.06),
    "boiler/temperature@outlet": (140.0, 220.0),
    "chiller/temperature@outlet": (4.0, 12.0),
    "chiller/pressure@outlet": (8.0, 18.0),
    "conveyor/speed": (20.0, 200.0),
    "packaging/speed": (20.0, 200.0),
    "machine_tool/speed": (800.0, 12000.0),
    "mixer/speed": (20.0, 300.0),
    "extruder/speed": (20.0, 180.0),
}


def level(rng: Random, machine: str, channel: str) -> tuple[float, float]:
    """A usual level and its standard deviation, in the canonical unit."""
    quantity = channel.partition("@")[0]
    low, high, share = _LEVELS[quantity]
    low, high = _SPECIAL.get(f"{machine}/{channel}") or _SPECIAL.get(channel) or (low, high)
    baseline = math.exp(rng.uniform(math.log(low), math.log(high)))
    return baseline, max(baseline, 0.2 * high) * share * rng.lognormvariate(0.0, 0.5)


def unit(rng: Random, quantity: str) -> Unit:
    """A unit that a plant might use."""
    units = UNITS[quantity]
    return rng.choices(units, [unit.weight for unit in units])[0]
