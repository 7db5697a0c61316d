"""Normal life of machines, made up: what the detector must stay quiet about.

Everything is in ticks, so one model fits any rate. A *rig* is a few channels that share an
operating point; each channel mixes a few of the behaviours below, then a sensor reads it.
All randomness comes from the generator that is passed in.
"""

import numpy as np
from scipy.signal import lfilter

Array = np.ndarray


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A positive number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def autoregressive(rng: np.random.Generator, ticks: int, memory: float, tails: float = 0.0) -> Array:
    """Unit-variance AR(1) noise with a memory in ticks; `tails` > 2 gives Student's t innovations."""
    pole = np.exp(-1.0 / memory)
    shape = rng.standard_t(tails, ticks) / np.sqrt(tails / (tails - 2)) if tails > 2 else rng.standard_normal(ticks)
    start = rng.standard_normal() * pole
    noise, _ = lfilter([np.sqrt(1 - pole**2)], [1, -pole], shape, zi=[start])
    return noise


def smooth(values: Array, memory: float) -> Array:
    """First-order lag, started at the first value: a pipe, a thermowell, a drive's ramp."""
    gain = 1 - np.exp(-1.0 / max(memory, 0.1))
    out, _ = lfilter([gain], [1, gain - 1], values, zi=[(1 - gain) * values[0]])
    return out


def random_walk(rng: np.random.Generator, ticks: int) -> Array:
    """A walk, scaled to about one unit over the stream's length."""
    return np.cumsum(rng.standard_normal(ticks)) / np.sqrt(ticks)


def season(rng: np.random.Generator, ticks: int) -> Array:
    """A repeating shape with a few harmonics and a slowly changing amplitude."""
    period = log_uniform(rng, 40, 1500)
    phase = 2 * np.pi * (np.arange(ticks) / period + rng.uniform())
    wave = sum(rng.normal() / k * np.sin(k * phase + rng.uniform(0, 2 * np.pi)) for k in range(1, rng.integers(2, 5)))
    return wave * (1 + rng.uniform(0, 0.2) * autoregressive(rng, ticks, 3 * period))


def plc_cycle(rng: np.random.Generator, ticks: int) -> Array:
    """On and off under a controller: jittered period and duty, low-passed by the process."""
    period, duty, jitter = log_uniform(rng, 12, 500), rng.uniform(0.15, 0.85), rng.uniform(0, 0.15)
    lengths = period * np.tile([duty, 1 - duty], int(ticks / period) + 3)
    lengths = lengths * np.exp(jitter * rng.standard_normal(lengths.size))
    edges = np.cumsum(lengths) - rng.uniform(0, period)
    state = np.searchsorted(edges, np.arange(ticks)) % 2
    return smooth(state.astype(float), log_uniform(rng, 0.2, period / 3))


def bursts(rng: np.random.Generator, ticks: int) -> Array:
    """Load peaks that come now and then and decay."""
    gap, decay = log_uniform(rng, 15, 250), log_uniform(rng, 1, 40)
    impulses = (rng.uniform(size=ticks) < 1 / gap) * rng.gamma(rng.uniform(1, 4), 1, ticks)
    return lfilter([1], [1, -np.exp(-1 / decay)], impulses)


def operating_point(rng: np.random.Generator, ticks: int) -> Array:
    """Set-point changes, shared by the channels of a rig; often enough to be normal."""
    gap = log_uniform(rng, 40, 300)
    change = rng.uniform(size=ticks) < 1 / gap
    change[0] = True
    levels = rng.normal(size=ticks) if rng.uniform() < 0.5 else rng.choice(rng.normal(size=rng.integers(2, 5)), ticks)
    return smooth(levels[np.maximum.accumulate(np.where(change, np.arange(ticks), 0))], log_uniform(rng, 0.2, 60))


def trend(rng: np.random.Generator, ticks: int) -> Array:
    """A slow drift: a line, or a warm-up that settles."""
    clock = np.arange(ticks) / ticks
    return clock if rng.uniform() < 0.5 else 1 - np.exp(-clock / log_uniform(rng, 0.1, 2))


def thermal(rng: np.random.Generator, ticks: int) -> Array:
    """Smooth wandering of heavy parts: few independent samples in any history the detector has."""
    memory = log_uniform(rng, 30, 3000)
    out = smooth(autoregressive(rng, ticks, memory), log_uniform(rng, 1, memory))
    return out / (np.std(out) + 1e-9)


def noise(rng: np.random.Generator, ticks: int) -> Array:
    """Measurement and process noise of some colour, sometimes heavy-tailed, sometimes of two memories."""
    tails = rng.uniform(2.5, 8) if rng.uniform() < 0.3 else 0.0
    memory = log_uniform(rng, 0.15, 4) if rng.uniform() < 0.6 else log_uniform(rng, 4, 150)
    out = autoregressive(rng, ticks, memory, tails)
    if rng.uniform() < 0.35:
        out = out + log_uniform(rng, 0.1, 1.5) * autoregressive(rng, ticks, log_uniform(rng, 20, 400))
    if rng.uniform() < 0.2:
        out = out * np.exp(rng.uniform(0.1, 0.5) * autoregressive(rng, ticks, log_uniform(rng, 30, 600)))
    return out


# Behaviour, how often a channel shows it, range of its size in units of the noise.
BEHAVIOURS = [
    (season, 0.22, 0.3, 12.0),
    (plc_cycle, 0.12, 0.5, 15.0),
    (bursts, 0.12, 0.5, 8.0),
    (random_walk, 0.22, 0.5, 12.0),
    (trend, 0.25, 0.5, 20.0),
    (thermal, 0.35, 0.3, 30.0),
]
SHARE_OF_RIGS_WITH_SET_POINTS = 0.25
MAX_MISSING = 0.12


def sensor(rng: np.random.Generator, values: Array) -> Array:
    """What the sensor makes of it: resolution, clipping, isolated outliers, missing samples, a unit."""
    scale = float(np.std(np.diff(values))) + 1e-9
    kind = rng.uniform()
    if kind < 0.12:  # rare single-tick outliers are normal for this sensor
        hit = rng.uniform(size=values.size) < 1 / log_uniform(rng, 60, 500)
        values = values + hit * rng.normal(size=values.size) * scale * rng.uniform(3, 15)
    if rng.uniform() < 0.45:
        step = scale * log_uniform(rng, 0.05, 6)
        values = np.round(values / step) * step
    if rng.uniform() < 0.06:
        values = np.clip(values, *np.quantile(values, [rng.uniform(0, 0.2), rng.uniform(0.8, 1)]))
    if rng.uniform() < 0.08:  # reports a new value only now and then
        held = rng.uniform(size=values.size) < rng.uniform(0.1, 0.6)
        held[0] = True
        values = values[np.maximum.accumulate(np.where(held, np.arange(values.size), 0))]
    return values


def missing(rng: np.random.Generator, values: Array) -> Array:
    """Drops samples (NaN): single ones in a third of the streams, short gaps in a few."""
    lost = np.zeros(values.size, bool)
    if rng.uniform() < 0.3:
        lost |= rng.uniform(size=values.size) < rng.uniform(0, MAX_MISSING)
    if rng.uniform() < 0.1:
        for start in rng.integers(0, values.size, rng.integers(1, 6)):
            lost[start : start + rng.integers(2, 30)] = True
    lost[:3] = False
    return np.where(lost, np.nan, values)


def rig(rng: np.random.Generator, ticks: int, channels: int) -> Array:
    """Clean readings of one rig, `[channels, ticks]`, without missing samples."""
    shared = operating_point(rng, ticks) if rng.uniform() < SHARE_OF_RIGS_WITH_SET_POINTS else None
    out = np.empty((channels, ticks))
    for channel in range(channels):
        values = noise(rng, ticks)
        for behaviour, share, low, high in BEHAVIOURS:
            if rng.uniform() < share:
                values = values + rng.choice([-1, 1]) * log_uniform(rng, low, high) * behaviour(rng, ticks)
        if shared is not None and rng.uniform() < 0.8:
            lagged = smooth(shared, log_uniform(rng, 0.2, 30))
            values = values + rng.choice([-1, 1]) * log_uniform(rng, 0.5, 12) * lagged
        out[channel] = sensor(rng, values)
    return out


def normals(seed: int, rigs: int, ticks: int, channels: int = 4) -> Array:
    """Readings of many rigs, `[rigs * channels, ticks]`, before faults and missing samples."""
    rng = np.random.default_rng([seed, 1])
    return np.concatenate([rig(rng, ticks, channels) for _ in range(rigs)])
