"""One replicate at a time, with PyTorch's own layers and optimiser: every network, every option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from learnorder.training import augmentation
from learnorder.training.attributes import Attributes
from learnorder.training.batch_norm import statistics_for_predictions
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.arithmetic import arithmetic
from learnorder.training.inputs import select
from learnorder.training.networks import initial_network
from learnorder.training.optimization import learning_rate, make_optimizer
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import Arrays, capture, forms, is_plain, restore
from learnorder.training.streams import Purpose, RandomState, generator, torch_seed


class Sequential:
    """A group of one replicate.

    Parameters
    ----------
    spec, tensors, execution
        What to train, on what, in which arithmetic.
    seeds
        Exactly one.

    Raises
    ------
    LearnOrderError
        The network cannot be built, or the inputs cannot be augmented as the spec says.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        tensors: TrainingTensors,
        seeds: Sequence[int],
        execution: Execution,
    ) -> None:
        (self.seed,) = seeds
        self.spec, self.tensors, self.execution = spec, tensors, execution
        augmentation.check(tensors.inputs.shape, spec.augmentation.flip, spec.augmentation.crop)
        self.network = initial_network(spec, tensors.inputs, self.seed).to(execution.device)
        self._attributes, self._forms = Attributes(self.network), forms(self.network)
        self.optimizer = make_optimizer(spec, self.network.parameters())
        self._streams = RandomState(execution.device)
        self._draws: augmentation.Draws | None = None
        self._loss = torch.zeros((), device=execution.device)

    @contextmanager
    def epoch(self, epoch: int, first_step: int) -> Iterator[None]:
        """Enter the streams of an epoch; recording inside it changes nothing."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.spec, epoch)
        self._draws = self._augmentation(epoch)
        self.network.train()
        seed = torch_seed(self.seed, Purpose.DROPOUT, epoch)
        with self._streams.entered(seed, go_on=first_step > 0):
            yield

    def _augmentation(self, epoch: int) -> augmentation.Draws | None:
        wanted = self.spec.augmentation
        if not (wanted.flip or wanted.crop):
            return None
        random = generator(self.seed, Purpose.AUGMENTATION, epoch)
        return augmentation.draw(self.tensors.n_train, random, wanted.flip, wanted.crop)

    def step(self, positions: torch.Tensor) -> None:
        """Train on one batch: ``(1, batch)`` positions of the training split."""
        chosen = positions[0]
        batch = select(self.tensors.splits["train"], chosen)
        if self._draws is not None:
            batch = augmentation.apply(batch, chosen, self._draws)
        self.optimizer.zero_grad(set_to_none=True)
        with arithmetic(self.execution):
            logits = self.network(batch)
        loss = functional.cross_entropy(logits.float(), self.tensors.labels["train"][chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        # once not finite, a sum stays so: one look at each recorded point is enough
        self._loss += loss.detach()

    @contextmanager
    def evaluation(self, step: int) -> Iterator[None]:
        """Enter eval mode, with statistics for predictions; a network may draw there too."""
        seed = torch_seed(self.seed, Purpose.PREDICTION, step)
        self.network.eval()
        train = self.tensors.splits["train"]
        with (
            RandomState(self.execution.device).entered(seed),
            # not inference mode: what a network keeps of it could not be trained on
            torch.no_grad(),
            arithmetic(self.execution),
            statistics_for_predictions(self.spec, self.network, train),
        ):
            yield

    def logits(self, split: str, part: slice) -> torch.Tensor:
        """Float32 ``(1, example, class_id)`` of consecutive examples."""
        logits: torch.Tensor = self.network(self.tensors.splits[split][part])
        return logits.float()[None]

    def finite_losses(self) -> NDArray[np.bool_]:
        """Whether every loss so far was a finite number."""
        return np.array([bool(torch.isfinite(self._loss))])

    def is_plain(self) -> bool:
        """Whether all that the network has changed is in tensors that can be put back."""
        same_forms = forms(self.network) == self._forms
        return same_forms and is_plain(self.network) and self._attributes.changed() is None

    def capture(self, slot: int) -> Arrays:
        """Copy weights, buffers and optimiser state."""
        return capture(self.network, self.optimizer)

    def restore(self, slot: int, arrays: Arrays) -> None:
        """Put a captured state back, bit for bit."""
        restore(arrays, self.network, self.optimizer)
