"""Weights of several networks in one tensor for each layer, and each network's part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Final

import torch
from torch import nn

from learnorder.training.state import Arrays, of_owner, refuse_differing, to_array

VECTOR: Final = 16
"""Floats that the widest instructions take at once."""

STEPS: Final = "step"
"""What Adam calls its number of steps: one for all slots, unlike moments."""


def filled_slots(positions: torch.Tensor, width: int) -> torch.Tensor:
    """Fill ``(slot, batch)`` up to ``width`` slots with the last one."""
    if missing := width - len(positions):
        positions = torch.cat([positions, positions[-1:].expand(missing, -1)])
    return positions


class StackedWeights:
    """The weights of networks of one form, a row ``(slot, number)`` each.

    Rows are filled up to a multiple of what the widest instructions take at once. Otherwise the
    end of the last row would be computed by other instructions than the rest, which round
    otherwise, and a replicate would depend on its place.

    Parameters
    ----------
    networks
        All of one form; the n-th gives the weights of slot n.
    device
        Where the weights lie.
    """

    def __init__(self, networks: Sequence[nn.Module], device: str) -> None:
        first = dict(networks[0].named_parameters())
        self._shapes = {name: parameter.shape for name, parameter in first.items()}
        self.buffers = {
            name: torch.stack([dict(n.named_buffers())[name] for n in networks]).to(device)
            for name, _ in networks[0].named_buffers()
        }
        """Buffers ``(slot, ...)`` by name, as the statistics of BatchNorm."""
        self._rows: dict[str, nn.Parameter] = {}
        for name, shape in self._shapes.items():
            n = prod(shape)
            row = torch.zeros(len(networks), -(-n // VECTOR) * VECTOR)
            for slot, network in enumerate(networks):
                row[slot, :n] = network.get_parameter(name).detach().flatten()
            self._rows[name] = nn.Parameter(row.to(device))

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield what an optimiser updates."""
        yield from self._rows.values()

    def named(self) -> dict[str, torch.Tensor]:
        """Return all weights ``(slot, ...)`` by name."""
        return {name: self[name] for name in self._rows}

    def get(self, name: str) -> torch.Tensor | None:
        """Return the weights ``(slot, ...)`` of that name; None where networks have none."""
        return self[name] if name in self._rows else None

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def gradient(self, name: str) -> torch.Tensor:
        """View of the gradient ``(slot, ...)`` of the weights of that name, to be written to."""
        gradient = self._rows[name].grad
        assert gradient is not None, f"no gradient was allocated for {name}"
        return self._view(name, gradient)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._view(name, self._rows[name])

    def _view(self, name: str, row: torch.Tensor) -> torch.Tensor:
        shape = self._shapes[name]
        used = row if row.shape[1] == prod(shape) else row[:, : prod(shape)]
        return torch.unflatten(used, 1, shape) if shape else used[:, 0]

    def capture(self, slot: int, optimizer: torch.optim.Optimizer) -> Arrays:
        """Copy weights and optimiser state of a slot, as those of a network of its own."""
        kept = {**self.named(), **self.buffers}
        arrays = {f"network/{name}": to_array(stacked[slot]) for name, stacked in kept.items()}
        for i, (name, row) in enumerate(self._rows.items()):
            for key, value in optimizer.state.get(row, {}).items():
                if isinstance(value, torch.Tensor):
                    of_slot = value if key == STEPS else self._view(name, value)[slot]
                    arrays[f"optimizer/{i}/{key}"] = to_array(of_slot)
        return arrays

    def restore(self, slot: int, arrays: Arrays, optimizer: torch.optim.Optimizer) -> None:
        """Put a captured slot back, bit for bit.

        Raises
        ------
        LearnOrderError
            It was captured from a network of other arrays.
        """
        kept = of_owner("network", arrays)
        own = {**self.named(), **self.buffers}
        refuse_differing({name: stacked[slot] for name, stacked in own.items()}, kept)
        rows = list(self._rows.items())
        with torch.no_grad():
            for name, stacked in own.items():
                stacked[slot] = kept[name]
            for key, value in of_owner("optimizer", arrays).items():
                i, _, what = key.partition("/")
                name, row = rows[int(i)]
                state = optimizer.state[row]
                if what == STEPS:
                    state[what] = value
                else:
                    moments = state.setdefault(what, torch.zeros_like(row))
                    self._view(name, moments)[slot] = value.to(row.device)
