"""A Llama-like decoder in torch: the form that the agent runs as one program (docs/reference/model-contract.md)."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5
# Standard deviation of fresh weights.
FRESH = 0.02


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder; every width is a multiple of 32."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    groups: int
    context: int
    theta: float

    @property
    def head(self) -> int:
        """Width of a head."""
        return self.width // self.heads

    def weights(self) -> int:
        """How many there are."""
        kept = self.width * (2 * self.width + 2 * self.groups * self.head + 3 * self.inner + 2)
        return self.vocabulary * self.width + self.layers * kept + self.width


class Norm(nn.Module):
    """Each row at length one on average, times a learnt gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], self.weight.to(x.dtype), EPSILON)


class Layer(nn.Module):
    """Attention, then a gated unit."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        shared = shape.groups * shape.head
        self.attention_norm, self.unit_norm = Norm(shape.width), Norm(shape.width)
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, shared, bias=False)
        self.value = nn.Linear(shape.width, shared, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)
        self.gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.up = nn.Linear(shape.width, shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def attend(self, x: Tensor, cos: Tensor, sin: Tensor, later: Tensor) -> Tensor:
        """`x` with what each token takes from those before it."""
        batch, length, _ = x.shape
        shape, normed = self.shape, self.attention_norm(x)

        def heads(rows: Tensor, count: int) -> Tensor:
            return rows.view(batch, length, count, shape.head).transpose(1, 2)

        query = turned(heads(self.query(normed), shape.heads), cos, sin)
        key = turned(heads(self.key(normed), shape.groups), cos, sin)
        value = heads(self.value(normed), shape.groups)
        # Plain products: on a processor the fused attention takes three times as long for texts this short.
        query = query.reshape(batch, shape.groups, -1, shape.head) * shape.head**-0.5
        scores = (query @ key.transpose(-1, -2)).view(batch, shape.groups, -1, length, length)
        shares = (scores + later).softmax(-1).view(batch, shape.groups, -1, length)
        mixed = (shares.to(value.dtype) @ value).view(batch, shape.heads, length, shape.head)
        return x + self.output(mixed.transpose(1, 2).reshape(batch, length, shape.width))

    def unit(self, x: Tensor) -> Tensor:
        """`x` with what the gated unit makes of it, row by row."""
        normed = self.unit_norm(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


class Decoder(nn.Module):
    """Tokens to the logits of what follows each; the head's matrix is the table of tokens."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.table = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)
        cos, sin = rotations(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                # Sums of all layers stay at the size of the first.
                late = name.endswith(("output.weight", "down.weight"))
                nn.init.normal_(weight, std=FRESH / (2 * shape.layers) ** 0.5 if late else FRESH)

    def hidden(self, tokens: Tensor, rows: Tensor | None = None, between: list[Tensor] | None = None) -> Tensor:
        """`[batch, length]` tokens to `[batch, length, width]`, or to `[n, width]` where `rows` is true.

        `between` is given what comes out of each layer but the last.
        """
        length = tokens.shape[1]
        x = self.table(tokens)
        x = x.to(self.layers[0].query.weight.dtype)
        cos, sin = self.cos[:length].to(x.dtype), self.sin[:length].to(x.dtype)
        later = torch.full((length, length), -torch.inf, dtype=x.dtype).triu(1)
        for at, layer in enumerate(self.layers, 1):
            x = layer.attend(x, cos, sin, later)
            # Behind the last attention places no longer look at each other.
            if at == len(self.layers) and rows is not None:
                x = x[rows]
            x = layer.unit(x)
            if between is not None and at < len(self.layers):
                between.append(x)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of rows of `hidden`."""
        return F.linear(hidden, self.table.weight.to(hidden.dtype))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.logits(self.hidden(tokens))


def rotations(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines `[context, head]` of each position; both halves of a head turn alike."""
    rates = shape.theta ** -(torch.arange(0, shape.head, 2, dtype=torch.float64) / shape.head)
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), rates)
    angles = torch.cat([angles, angles], 1)
    return angles.cos().float(), angles.sin().float()


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Halves of each head turned against each other by its position."""
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


def fresh(sizes: dict[str, float], seed: int) -> Decoder:
    """A decoder of these sizes that has learnt nothing."""
    shape = Shape(**sizes)
    for name in ("vocabulary", "width", "inner", "head"):
        if getattr(shape, name) % 32:
            raise SystemExit(f"words: {name} = {getattr(shape, name)}: it must be a multiple of 32")
    torch.manual_seed(seed)
    return Decoder(shape)


def keep(decoder: Decoder, file: Path) -> None:
    """Writes sizes and weights."""
    torch.save({"shape": asdict(decoder.shape), "weights": decoder.state_dict()}, file)


def take(file: Path) -> Decoder:
    """Reads what `keep` wrote."""
    held = torch.load(file, weights_only=True)
    decoder = Decoder(Shape(**held["shape"]))
    decoder.load_state_dict(held["weights"])
    return decoder.eval()
