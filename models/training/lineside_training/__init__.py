"""Training of the detector that Lineside ships: data, features, weights, calibration, bundle."""

__version__ = "0.1.0"
