"""Two questions that are asked while learning, and never again: of each token of a prompt, which topic it belongs to;
of each name in an answer, what the prompt marks that topic with.

Wording needs both, one behind the other, and finds them by itself only after many times as many texts: until then it
words every channel alike. They are answered by two matrices that are thrown away.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import tokenizer
from .batches import Batch

# Marks of a topic (docs/reference/slots.md, "The prompt").
MARKS = """
closed steady silent up down level back shapeless slight clear strong extreme unmeasured step ramp spike oscillation
stuck dropout unexplained rank.none
"""
# How much the marks count beside the topics: there are many, and nearly all are not there.
MARKS_WEIGHT = 0.2


class Guide(nn.Module):
    """Asks both questions of what a decoder holds between its layers."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        names = {token: at for at, token in enumerate(tokenizer.special())}
        ranks = [f"rank.{at}" for at in range(1, tokenizer.RANKS + 1)]
        marks = [names[f"<p.{mark}>"] for mark in [*MARKS.split(), *ranks]]
        topic = torch.zeros(vocabulary, dtype=torch.long)
        for at in range(tokenizer.TOPICS):
            topic[names[f"<c{at}.name>"]] = topic[names[f"<i{at}.name>"]] = at + 1
        self.topic_of = topic
        self.marks = torch.tensor(marks)
        self.topics = nn.Linear(width, tokenizer.TOPICS + 1)
        self.marked = nn.Linear(width, len(marks))

    def asks(self, batch: Batch) -> "Asked":
        """What is asked of a batch."""
        tokens = batch.tokens[:, :-1]
        places = torch.arange(tokens.shape[1]).expand_as(tokens)
        prompt = places < batch.answer.int().argmax(1, keepdim=True)
        named = self.topic_of[tokens]
        latest = torch.where(named > 0, places, 0).cummax(1).values
        topic = named.gather(1, latest)
        within = prompt & (topic > 0)
        there = torch.zeros(len(tokens), tokenizer.TOPICS + 1, len(self.marks))
        row, place, mark = (within[..., None] & (tokens[..., None] == self.marks)).nonzero(as_tuple=True)
        there[row, topic[row, place], mark] = 1
        said = ~prompt & (named > 0)
        row, place = said.nonzero(as_tuple=True)
        return Asked(within, topic[within], said, there[row, named[row, place]])

    def loss(self, batch: Batch, between: list[Tensor]) -> Tensor:
        """`between` holds what comes out of each layer but the last; the first answers which topic, the last one what
        of it."""
        asked = self.asks(batch)
        which = F.cross_entropy(self.topics(between[0][asked.within].float()), asked.topics)
        told = self.marked(between[-1][asked.said].float())
        what = F.binary_cross_entropy_with_logits(told, asked.marks, reduction="none").sum(1).mean()
        return which + MARKS_WEIGHT * what


@dataclass(frozen=True)
class Asked:
    """Where a prompt speaks of a topic, `[batch, length]`, and of which, from 1; where an answer names one, and its
    marks."""

    within: Tensor
    topics: Tensor
    said: Tensor
    marks: Tensor
