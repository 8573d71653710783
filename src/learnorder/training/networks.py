"""The network of a seed before training."""

from __future__ import annotations

import torch

from learnorder.training.architectures import build
from learnorder.training.inputs import NetworkInputs
from learnorder.training.spec import TrainingSpec
from learnorder.training.streams import Purpose, torch_seed


def initial_network(spec: TrainingSpec, inputs: NetworkInputs, seed: int) -> torch.nn.Module:
    """Return the network of this seed before training, without touching the global stream.

    It is drawn on the CPU, so that every device begins with the same weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, Purpose.INITIALISATION))
        network = build(
            spec.architecture.name,
            inputs.shape,
            inputs.n_classes,
            spec.architecture.options,
            embedding=inputs.embedding,
        )
    if inputs.shape.kind == "image":
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
