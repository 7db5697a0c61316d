"""Places in the detector's inputs that the fixed part of the scorer reads; the bank's head lists them all."""

WIDTH = 36
CONTRASTS = (1, 2, 5, 6)  # level and walk of spans 8 and 16
WALKNESS = 13
