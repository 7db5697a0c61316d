"""Makes the models that the language model tests and comparisons run on: random weights, fixed seeds."""
