"""The decoder that words incidents and shift reports in slots: from made-up pairs to its bundle."""

from ..run import Run


def data(run: Run) -> None:
    """Makes pairs of prompts and texts, and the tokenizer that reads both."""
    from . import sets

    sets.make(run)


def train(run: Run) -> None:
    """Learns to word."""
    from . import making

    making.train(run)


def export(run: Run) -> None:
    """Writes the model in full precision, and proves that the agent computes what torch does."""
    from . import making

    making.export(run)


def quantize(run: Run) -> None:
    """Makes the four-bit variants, and measures what each loses."""
    from . import making

    making.quantize(run)


def evaluate(run: Run) -> None:
    """Words held-out incidents through the agent, each text judged, and draws the curves."""
    from . import judging

    judging.evaluate(run)


def pack(run: Run) -> None:
    """Writes the bundle with its card."""
    from . import page

    page.write(run)
