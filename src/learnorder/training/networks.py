"""The network of a seed before training."""

from __future__ import annotations

import numpy as np
import torch

from learnorder.errors import LearnOrderError
from learnorder.training.architectures import build
from learnorder.training.initialisation import initialise
from learnorder.training.inputs import NetworkInputs
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import tensors_of
from learnorder.training.streams import Purpose, RandomState, torch_seed


def initial_network(spec: TrainingSpec, inputs: NetworkInputs, seed: int) -> torch.nn.Module:
    """Return the network of this seed before training, without touching the global stream.

    It is drawn on the CPU, so that every device begins with the same weights.
    """
    with RandomState("cpu").entered(torch_seed(seed, Purpose.INITIALISATION)):
        network = build(
            spec.architecture.name,
            inputs.shape,
            inputs.n_classes,
            spec.architecture.options,
            embedding=inputs.embedding,
        )
        initialise(network, spec.architecture.initialisation, spec.architecture.name)
    if inputs.shape.kind == "image":
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def check_reproducible(spec: TrainingSpec, inputs: NetworkInputs) -> None:
    """Refuse a callable that does not make a new network, and for one seed the same.

    Raises
    ------
    LearnOrderError
        Two networks of one seed share weights, or differ.
    """
    one, other = (initial_network(spec, inputs, 0) for _ in range(2))
    if one is other or set(one.parameters()) & set(other.parameters()):
        raise LearnOrderError(
            f"architecture: {spec.architecture.name!r} returned the same network, or layers of it, "
            "twice. Every replicate begins with weights of its own. Make all layers in the call."
        )
    kept, again = _kept(one), _kept(other)
    differing = sorted(n for n in kept.keys() | again if not _same(kept.get(n), again.get(n)))
    if differing:
        name = differing[0]
        raise LearnOrderError(
            f"architecture: {spec.architecture.name!r} gave {name!r} two values for one seed. "
            "Initial weights come from torch, numpy.random or random, which are seeded before the "
            "call, and from nothing else. Draw them from one of these."
        )


def _kept(network: torch.nn.Module) -> dict[str, object]:
    """Weights, all buffers, and what else it keeps under names of its own."""
    owned = {
        f"{path}.{name}".lstrip("."): value
        for path, module in network.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor | np.ndarray)
    }
    return owned | network.state_dict() | tensors_of(network)


def _same(value: object, other: object) -> bool:
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return value.dtype == other.dtype and value.tobytes() == other.tobytes()
    if not (isinstance(value, torch.Tensor) and isinstance(other, torch.Tensor)):
        return type(value) is type(other)
    return value.shape == other.shape and torch.equal(value.nan_to_num(), other.nan_to_num())
