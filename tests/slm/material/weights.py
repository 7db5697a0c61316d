"""Random weights at a scale at which logits are not flat and every layer matters."""

import math

import torch
from transformers.pytorch_utils import Conv1D

# Standard deviation of logits: some tokens stand out, none drowns all others.
LOGITS = 3.0
# How far gains are from 1 and biases from 0, so that one left out is noticed.
SMALL = 0.1


@torch.no_grad()
def spread(model: torch.nn.Module, seed: int) -> None:
    """Replaces every weight: products keep the variance of what goes in."""
    generator = torch.Generator().manual_seed(seed)

    def fill(parameter: torch.Tensor, mean: float, deviation: float) -> None:
        parameter.copy_(mean + deviation * torch.randn(parameter.shape, generator=generator))

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    filled = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in filled:
                continue
            filled.add(id(parameter))
            if isinstance(module, torch.nn.Embedding):
                fill(parameter, 0.0, LOGITS / math.sqrt(parameter.shape[1]))
            elif parameter.ndim == 2:
                fan_in = parameter.shape[0] if isinstance(module, Conv1D) else parameter.shape[1]
                fill(parameter, 0.0, (LOGITS if module is head else 1.0) / math.sqrt(fan_in))
            else:
                fill(parameter, 0.0 if name.endswith("bias") else 1.0, SMALL)
