"""Train one replicate; hand over its predictions of every example at each point of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from learnorder.errors import LearnOrderError
from learnorder.schema import EpochPredictions, Predictions, prediction_dtype
from learnorder.training import augmentation
from learnorder.training.architectures import build
from learnorder.training.grid import GridPoint, recording_grid, steps_per_epoch
from learnorder.training.inputs import NetworkInputs, to_tensors
from learnorder.training.optimization import learning_rate, make_optimizer
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState, capture, is_plain, restore
from learnorder.training.streams import Purpose, generator, torch_seed

EVALUATION_BATCH = 500
"""Examples per forward pass of an evaluation; fixed, because it can change the last bits."""


class Diverged(LearnOrderError):
    """The loss or the logits of a replicate are no longer finite numbers."""

    def __init__(self, seed: int, epoch: float, what: str) -> None:
        self.epoch = epoch
        super().__init__(
            f"train: replicate {seed} diverged in epoch {epoch:g} ({what} not finite). "
            "A replicate needs finite numbers to go on. Lower optimizer.learning_rate."
        )


@dataclass(frozen=True)
class TrainingTensors:
    """The inputs of all splits as tensors, ready to be indexed, and the labels to train on."""

    inputs: NetworkInputs
    splits: Mapping[str, torch.Tensor]
    labels: torch.Tensor

    @classmethod
    def from_inputs(cls, inputs: NetworkInputs) -> TrainingTensors:
        """Normalise once; every replicate of the process reads the same tensors."""
        splits = {name: _fast_layout(to_tensors(inputs, name)) for name in inputs.splits}
        labels = inputs.labels["train"]
        if labels is None:
            raise LearnOrderError("train: the split 'train' has no labels. Training needs them.")
        return cls(inputs, splits, torch.from_numpy(np.array(labels, dtype=np.int64)))

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.labels)


def train_replicate(
    spec: TrainingSpec, tensors: TrainingTensors, seed: int
) -> Iterator[EpochPredictions]:
    """Train one replicate and yield its predictions at each point of the recording grid."""
    replicate = Replicate(spec, tensors, seed)
    for point in recording_grid(spec, tensors.n_train):
        yield replicate.advance_to(point)


class Replicate:
    """One network in training: where it stands, how to go on, what it predicts.

    Parameters
    ----------
    spec, tensors, seed
        Together they fix every prediction, whatever else the process has done before.
    state
        Where to go on; from the beginning without it.

    Raises
    ------
    LearnOrderError
        The network cannot be built, the inputs cannot be augmented as the spec says, or the state
        is that of another network.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        tensors: TrainingTensors,
        seed: int,
        state: ReplicateState | None = None,
    ) -> None:
        self.spec, self.tensors, self.seed = spec, tensors, seed
        augmentation.check(tensors.inputs.shape, spec.augmentation.flip, spec.augmentation.crop)
        self.network = initial_network(spec, tensors.inputs, seed)
        self.optimizer = make_optimizer(spec, self.network)
        self.step = 0
        self._loss = torch.zeros(())
        self._dropout: torch.Tensor | None = None
        if state is not None:
            restore(state, self.network, self.optimizer)
            self.step = state.step

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch."""
        return steps_per_epoch(self.tensors.n_train, self.spec.training.batch_size)

    def can_be_captured(self) -> bool:
        """Whether it stands between two epochs, and everything it needs is in plain arrays."""
        return self.step % self.per_epoch == 0 and is_plain(self.network)

    def state(self) -> ReplicateState:
        """Weights, buffers and optimiser, copied; only where it can be captured."""
        return capture(self.network, self.optimizer, self.step)

    def advance_to(self, point: GridPoint) -> EpochPredictions:
        """Train up to this point of the grid and predict every example there."""
        while self.step < point.step:
            epoch_end = (self.step // self.per_epoch + 1) * self.per_epoch
            self._train(min(point.step, epoch_end))
        if not torch.isfinite(self._loss):
            raise Diverged(self.seed, point.epoch, "loss")
        with torch.random.fork_rng(devices=[]):
            # a network may draw at random in eval mode too
            torch.manual_seed(torch_seed(self.seed, Purpose.PREDICTION, point.step))
            predictions = {name: self._predict(x, point) for name, x in self.tensors.splits.items()}
        return EpochPredictions(self.seed, point.index, point.epoch, predictions)

    def _train(self, until: int) -> None:
        """Take the steps of the current epoch up to ``until``."""
        epoch, first = divmod(self.step, self.per_epoch)
        order = generator(self.seed, Purpose.ORDER, epoch).permutation(self.tensors.n_train)
        batches = torch.split(torch.from_numpy(order), self.spec.training.batch_size)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.spec, epoch)
        draws = self.draws(epoch)
        self.network.train()
        with torch.random.fork_rng(devices=[]):
            self._enter_dropout_stream(epoch, first)
            for positions in batches[first : until - self.step + first]:
                self.take_step(positions, draws)
            self._dropout = torch.get_rng_state()
        self.step = until

    def _enter_dropout_stream(self, epoch: int, first: int) -> None:
        """Go on in the epoch's stream, so that recording inside an epoch changes nothing."""
        if first == 0 or self._dropout is None:
            torch.manual_seed(torch_seed(self.seed, Purpose.DROPOUT, epoch))
        else:
            torch.set_rng_state(self._dropout)

    def take_step(self, positions: torch.Tensor, draws: augmentation.Draws | None) -> None:
        """Train on one batch, the examples at these positions of the training split."""
        batch = self.tensors.splits["train"].index_select(0, positions)
        if draws is not None:
            batch = augmentation.apply(batch, positions, draws)
        self.optimizer.zero_grad(set_to_none=True)
        with _arithmetic(self.spec):
            logits = self.network(batch)
        loss = functional.cross_entropy(logits.float(), self.tensors.labels[positions])
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        # once not finite, a sum stays so: one look at each recorded point is enough
        self._loss = self._loss + loss.detach()

    def draws(self, epoch: int) -> augmentation.Draws | None:
        """Return how every training example is changed in this epoch; None where none is."""
        wanted = self.spec.augmentation
        if not (wanted.flip or wanted.crop):
            return None
        random = generator(self.seed, Purpose.AUGMENTATION, epoch)
        return augmentation.draw(self.tensors.n_train, random, wanted.flip, wanted.crop)

    def _predict(self, inputs: torch.Tensor, point: GridPoint) -> Predictions:
        """Predicted classes in source order; ties go to the lowest class id."""
        self.network.eval()
        n_classes = self.tensors.inputs.n_classes
        classes = np.empty(len(inputs), dtype=prediction_dtype(n_classes))
        with torch.inference_mode(), _arithmetic(self.spec):
            for start in range(0, len(inputs), EVALUATION_BATCH):
                logits = self.network(inputs[start : start + EVALUATION_BATCH]).float()
                if not torch.isfinite(logits).all():
                    raise Diverged(self.seed, point.epoch, "logits")
                classes[start : start + EVALUATION_BATCH] = logits.argmax(1).numpy()
        return classes


def initial_network(spec: TrainingSpec, inputs: NetworkInputs, seed: int) -> torch.nn.Module:
    """Return the network of this seed before training, without touching the global stream."""
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


def _fast_layout(tensor: torch.Tensor) -> torch.Tensor:
    """Images with the channels last, which convolutions on CPU prefer."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _arithmetic(spec: TrainingSpec) -> AbstractContextManager[object]:
    if spec.training.precision == "bfloat16":
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
