"""A pass over examples through a torch network, after which the network is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Subset

from learnorder.adapters.guarded import Pieces
from learnorder.adapters.state import generator_state

PLAIN = bool | int | float | complex | str | bytes | None
"""Attributes of a module that a forward pass may count in; its own mode is one of them."""


@contextmanager
def evaluated(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode without gradients, and everything back afterwards.

    Each submodule returns to its own mode. Buffers, such as the statistics of a BatchNorm that
    keeps none in evaluation, return to their values, and so do tensors, random generators,
    numbers, texts and None that modules keep as attributes.
    """
    with ExitStack() as restored:
        for module in network.modules():
            _keep(module, restored)
        network.eval()
        # not inference_mode: what a network keeps for its next step must serve training
        with torch.no_grad():
            yield


def _keep(module: nn.Module, restored: ExitStack) -> None:
    """Have a module's own attributes and buffers put back, those of its parts not."""
    attributes, buffers = vars(module), module._buffers
    states = [generator_state(value) for value in attributes.values()]
    generators = [state for state in states if state is not None]
    kept = {
        name: value
        for (name, value), state in zip(attributes.items(), states, strict=True)
        if state is not None or isinstance(value, PLAIN | torch.Tensor)
    }
    # whatever fails of this, the rest of it is still done
    restored.callback(attributes.update, kept)
    restored.callback(buffers.update, dict(buffers))
    for tensor in (*kept.values(), *buffers.values()):
        if isinstance(tensor, torch.Tensor):
            restored.callback(_restore, tensor, tensor.detach().clone())
    for setter, state in generators:
        restored.callback(setter, state)


def _restore(tensor: torch.Tensor, values: torch.Tensor) -> None:
    """Give a tensor its values back; one that has them is not touched, as a graph may hold it."""
    if not _is_same(tensor, values):
        with torch.no_grad():
            tensor.copy_(values)


def _is_same(tensor: torch.Tensor, values: torch.Tensor) -> bool:
    try:
        return torch.equal(tensor, values)
    except RuntimeError:  # sparse and nested tensors cannot be compared, and can be copied
        return False


class Pass:
    """Predictions of whole datasets in their own order.

    Parameters
    ----------
    data
        Dataset by split.
    predict
        Logits ``(example, class_id)`` of a batch as the collation makes it.
    batch_size
        Examples at once.
    collate
        Makes a batch of a list of items; torch's own without it.
    num_workers
        Processes that load items.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        predict: Callable[[Any], Any],
        *,
        batch_size: int,
        collate: Callable[[Any], Any] | None = None,
        num_workers: int = 0,
    ) -> None:
        self._data, self._predict = data, predict
        self._batch_size, self._collate, self._num_workers = batch_size, collate, num_workers

    def pieces(self, positions: Mapping[str, NDArray[np.int64]] | None = None) -> Pieces:
        """Predictions batch by batch; of some splits those at some positions alone."""
        for split, dataset in self._data.items():
            chosen = (positions or {}).get(split)
            index = np.arange(len(dataset)) if chosen is None else chosen
            part = dataset if chosen is None else Subset(dataset, chosen.tolist())
            if not len(index):
                continue
            first = 0
            for batch in self._loader(part):
                here = index[first : first + self._batch_size]
                yield split, here, self._predict(batch)
                first += len(here)

    def _loader(self, dataset: Any) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_size=self._batch_size,
            collate_fn=self._collate,
            num_workers=self._num_workers,
            # a loader draws a number, which would come from the global generator
            generator=torch.Generator(),
        )


def logits_of(output: Any) -> Any:
    """Logits in what a network gives: itself, or what it calls so, or the first of several."""
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, tuple | list) and output else output
