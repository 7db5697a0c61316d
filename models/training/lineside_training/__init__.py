"""How the models that Lineside ships are made: one folder a model, one set of verbs."""

__version__ = "0.2.0"
