"""Sentences of a factory floor: what tokenizers are trained on and encoders are compared on."""

import random

PLACES = ["line 3", "the press", "conveyor B", "the boiler house", "cell 12", "the paint shop", "pump P-104"]
THINGS = ["bearing", "gearbox", "hydraulic pump", "spindle", "heat exchanger", "drive belt", "valve"]
STATES = [
    "runs hotter than usual", "vibrates at {n} mm/s", "lost pressure", "is back to normal", "stopped twice",
    "draws {n} A more than before", "leaks oil", "was replaced", "shows {n} °C", "needs a second look",
]
TAILS = ["", " since the night shift", ", please check", "; ticket #{n}", " (again!)", " — nobody knows why"]
# What tokenizers disagree on when they disagree.
ODD = [
    "Überdruck am Kessel: 4,2 bar!", "naïve café façade", "température élevée", "压力过高", "Давление растёт",
    "tabs\tand  double  spaces", "UPPER CASE and mixedCase_words-with-dashes", "a", "?!...", "100% of 3/4 isn't 75",
    "e-mail ops@example.com or call +49 30 1234", "emoji 🙂 and ½ fractions", "x" * 120, "don't can't won't it's",
]


def sentences(count: int, seed: int) -> list[str]:
    """So many sentences, the odd ones first."""
    pick = random.Random(seed)
    made = list(ODD[:count])
    while len(made) < count:
        state = pick.choice(STATES) + pick.choice(TAILS)
        state = state.format(n=round(pick.uniform(0.1, 250), pick.randint(0, 2)))
        made.append(f"{pick.choice(['The', 'One', 'This', 'Our'])} {pick.choice(THINGS)} of {pick.choice(PLACES)} {state}.")
    return made
