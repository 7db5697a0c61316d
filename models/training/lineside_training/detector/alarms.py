"""When a score would raise an alarm: the rules of the agent's alarm layer that calibration needs.

The agent's layer (`agent/src/detect/alarm.rs`) decides in the field; this one counts episodes
fast over many streams, and `lineside eval` checks the result through the agent itself. Sensors
that fall silent or freeze have a rule of their own there, which no limit changes.
"""

import numpy as np

from .synthetic import Array

HOLD = 4
CLEAR_MARGIN = 1.0
PAST_PEAKS = 3
POOLING = 1.0
# The number of channels at which a pooled score is the plain soft sum, as in the agent.
POOLED_CHANNELS = 8
# As in the agent: block of a peak, blocks remembered, ticks until a block counts, first tick that
# counts, quiet ticks until an alarm clears, ticks of commissioning.
BLOCK, BLOCKS, LATE, PEAKS_FROM, QUIET, WARM_UP = 60, 83, 20, 100, 10, 300


def pooled(logits: Array) -> Array:
    """One score per tick of logits `[channels, ticks]`: a soft maximum, as if there were eight channels."""
    top = logits.max(axis=0)
    return top + np.log(POOLED_CHANNELS * np.exp(POOLING * (logits - top)).mean(axis=0)) / POOLING


def raised(scores: Array, base: float) -> list[int]:
    """Ticks at which a new alarm is raised."""
    held = np.full(len(scores), -np.inf)
    if len(scores) >= HOLD:
        held[HOLD - 1 :] = np.lib.stride_tricks.sliding_window_view(scores, HOLD).min(axis=1)
    out, peaks, settling = [], [], []
    block, limit, standing, quiet = None, base, False, 0
    for index, value in enumerate(held.tolist()):
        tick = index + 1
        if not standing and tick >= PEAKS_FROM:
            block = value if block is None else max(block, value)
        if tick % BLOCK == 0 and block is not None:
            settling.append((tick + LATE, block))
            block = None
        while settling and settling[0][0] <= tick:
            peaks = (peaks + [settling.pop(0)[1]])[-BLOCKS:]
            limit = max(base, sorted(peaks)[-PAST_PEAKS] if len(peaks) >= PAST_PEAKS else base)
        if index < WARM_UP:
            continue
        if not standing:
            if value > limit:
                standing, quiet, block, settling = True, 0, None, []
                out.append(index)
        else:
            quiet = quiet + 1 if value < limit - CLEAR_MARGIN else 0
            standing = quiet < QUIET
    return out
