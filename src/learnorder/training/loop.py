"""Train a group of replicates; hand over their predictions at each point of the grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from learnorder.errors import LearnOrderError
from learnorder.schema import EpochPredictions, Halves
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.choice import make_executor
from learnorder.training.executors.recording import SplitPredictions, predict
from learnorder.training.grid import GridPoint, recording_grid, steps_per_epoch
from learnorder.training.learners.contract import Stop
from learnorder.training.learners.replicates import Learners
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState
from learnorder.training.streams import order


class Diverged(LearnOrderError):
    """The loss or the logits of a replicate are no longer finite numbers."""

    def __init__(self, seed: int, epoch: float, what: str) -> None:
        self.epoch = epoch
        super().__init__(
            f"train: replicate {seed} diverged in epoch {epoch:g} ({what} not finite). "
            "A replicate needs finite numbers to go on. Lower optimizer.learning_rate."
        )


def train_replicate(
    spec: TrainingSpec, tensors: TrainingTensors, seed: int, execution: Execution | None = None
) -> Iterator[EpochPredictions]:
    """Train one replicate and yield its predictions at each point of the recording grid.

    Raises
    ------
    Diverged
        Its loss or logits are no longer finite.
    """
    group = make_group(spec, tensors, [seed], execution or Execution.of(spec))
    for point in recording_grid(spec, tensors.n_train):
        yield from group.advance_to(point)
        if seed in group.diverged:
            raise group.diverged[seed]


def make_group(
    spec: TrainingSpec,
    tensors: TrainingTensors,
    seeds: Sequence[int],
    execution: Execution,
    states: Mapping[int, ReplicateState] | None = None,
) -> Group | Learners:
    """Return networks, or learners that are none, in training side by side; see `Group`."""
    if spec.architecture.is_learner:
        return Learners(spec, tensors, seeds)
    return Group(spec, tensors, seeds, execution, states)


class Group:
    """Replicates in training side by side: where they stand, how to go on, what they predict.

    Parameters
    ----------
    spec, tensors, execution
        With a seed they fix every prediction of a replicate, whatever the other seeds are and
        whatever the process has done before.
    seeds
        At most as many as the execution trains side by side.
    states
        Where each of them goes on, all at the same step; from the beginning without them.

    Raises
    ------
    LearnOrderError
        The network cannot be built, the inputs cannot be augmented as the spec says, or a state
        is that of another network.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        tensors: TrainingTensors,
        seeds: Sequence[int],
        execution: Execution,
        states: Mapping[int, ReplicateState] | None = None,
    ) -> None:
        self.spec, self.tensors, self.seeds, self.execution = spec, tensors, list(seeds), execution
        self.executor = make_executor(spec, tensors, self.seeds, execution)
        self.step = 0
        self.diverged: dict[int, Diverged] = {}
        self.stopped: Mapping[int, Stop] = {}  # networks train to the end
        if states is not None:
            (self.step,) = {state.step for state in states.values()}
            for slot, seed in enumerate(self.seeds):
                self.executor.restore(slot, states[seed].arrays)

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch."""
        return steps_per_epoch(self.tensors.n_train, self.spec.training.batch_size)

    def can_be_captured(self) -> bool:
        """Whether it stands between two epochs, and everything it needs is in plain arrays."""
        return self.step % self.per_epoch == 0 and self.executor.is_plain()

    def states(self) -> dict[int, ReplicateState]:
        """Weights, buffers and optimiser of each seed, copied; only where it can be captured."""
        return {
            seed: ReplicateState(self.step, self.executor.capture(slot))
            for slot, seed in enumerate(self.seeds)
            if seed not in self.diverged
        }

    def advance_to(
        self, point: GridPoint, between_epochs: Callable[[], None] = lambda: None
    ) -> list[EpochPredictions]:
        """Train up to this point of the grid and predict every example there.

        A replicate that diverges is left out from then on, and `diverged` says why.
        ``between_epochs`` is called at the end of each epoch on the way.
        """
        while self.step < point.step:
            epoch_end = (self.step // self.per_epoch + 1) * self.per_epoch
            self._train(min(point.step, epoch_end))
            if self.step < point.step:
                between_epochs()
        found = predict(self.executor, self.spec, self.tensors, len(self.seeds), point.step)
        losses = self.executor.finite_losses()
        records = []
        for slot, seed in enumerate(self.seeds):
            if seed in self.diverged:
                continue
            finite = losses[slot] and all(split.finite[slot] for split in found.values())
            if finite:
                records.append(_record(seed, slot, point, found))
            else:
                what = "logits" if losses[slot] else "loss"
                self.diverged[seed] = Diverged(seed, point.epoch, what)
        return records

    def _train(self, until: int) -> None:
        """Take the steps of the current epoch up to ``until``."""
        epoch, first = divmod(self.step, self.per_epoch)
        n_train, device = self.tensors.n_train, self.tensors.labels["train"].device
        kind = self.spec.training.order
        orders = torch.stack([order(seed, epoch, n_train, kind) for seed in self.seeds]).to(device)
        batches = torch.split(orders, self.spec.training.batch_size, dim=1)
        with self.executor.epoch(epoch, first):
            for positions in batches[first : until - self.step + first]:
                self.executor.step(positions)
        self.step = until


def _record(
    seed: int, slot: int, point: GridPoint, found: Mapping[str, SplitPredictions]
) -> EpochPredictions:
    classes = {name: split.classes[slot] for name, split in found.items()}
    of_label: dict[str, dict[str, Halves]] = {}
    for name, split in found.items():
        for quantity, values in split.of_label.items():
            of_label.setdefault(quantity, {})[name] = values[slot]
    return EpochPredictions(seed, point.index, point.epoch, classes, of_label)
