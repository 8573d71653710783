"""Learners in the place of networks: they are asked round by round for what a log keeps."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.schema import EpochPredictions, Halves, prediction_dtype
from learnorder.training.architectures.table import ArchitectureEntry, check_architecture
from learnorder.training.data import TrainingTensors
from learnorder.training.executors.recording import of_label
from learnorder.training.grid import GridPoint, recording_grid
from learnorder.training.learners.contract import Learner, LearnerData, Round, Stop
from learnorder.training.learners.rows import learner_data
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState
from learnorder.training.streams import Purpose, stream

BOOTSTRAP = "bootstrap"
"""Option of all learners that draw no bootstrap of their own."""


class Learners:
    """Replicates of a learner that is no network, with the face of `loop.Group`.

    There is no state to go on from: an interrupted replicate learns again from the first round, to
    the same bytes, and what is committed is compared.

    Parameters
    ----------
    spec, tensors
        With a seed they fix every prediction of a replicate.
    seeds
        Of the replicates.

    Attributes
    ----------
    stopped
        Where a replicate stopped adding rounds, by seed, once a point after it was reached.
    """

    step = 0

    def __init__(self, spec: TrainingSpec, tensors: TrainingTensors, seeds: Sequence[int]) -> None:
        self.spec, self.tensors, self.seeds = spec, tensors, list(seeds)
        self.diverged: Mapping[int, Any] = {}
        self.stopped: dict[int, Stop] = {}
        rounds = [point.step for point in recording_grid(spec, tensors.n_train)]
        self._entry = _entry(spec)
        find_learner(spec)  # now, so that all libraries there are can be held to one thread
        self._threads = _one_thread()
        data = learner_data(tensors)
        self._rounds = {seed: replicate_rounds(spec, data, seed, rounds) for seed in seeds}

    def can_be_captured(self) -> bool:
        """Never."""
        return False

    def states(self) -> dict[int, ReplicateState]:
        """None."""
        return {}

    def advance_to(
        self, point: GridPoint, between_epochs: Callable[[], None] = lambda: None
    ) -> list[EpochPredictions]:
        """Learn up to this point of the grid, the next one, and predict every example there."""
        records = []
        for seed, rounds in self._rounds.items():
            with self._threads.limit(limits=1):
                found = next(rounds)
            if found.stop is not None:
                self.stopped[seed] = found.stop
            records.append(self._record(seed, point, found))
        return records

    def _record(self, seed: int, point: GridPoint, found: Round) -> EpochPredictions:
        dtype = prediction_dtype(self.tensors.inputs.n_classes)
        classes, of_labels = {}, dict[str, dict[str, Halves]]()
        for name, scores in found.scores.items():
            if np.isnan(scores).any():
                raise LearnOrderError(
                    f"train: replicate {seed} of {self.spec.architecture.name!r} gives no numbers "
                    f"in round {point.step}. Lower its learning_rate, if it has one."
                )
            classes[name] = scores.argmax(axis=1).astype(dtype)
            for quantity, values in self._of_label(name, scores).items():
                of_labels.setdefault(quantity, {})[name] = values
        return EpochPredictions(seed, point.index, point.epoch, classes, of_labels)

    def _of_label(self, split: str, scores: NDArray[np.float64]) -> dict[str, Halves]:
        wanted, labels = self.spec.recording.of_label, self.tensors.labels.get(split)
        if labels is None or not wanted:
            return {}
        if self._entry.scores == "probabilities":
            with np.errstate(divide="ignore"):  # a class without a vote
                scores = np.log(scores)
        logits = torch.from_numpy(scores.astype(np.float32)).unsqueeze(0)
        return {k: v[0].numpy() for k, v in of_label(logits, labels, wanted).items()}


def replicate_rounds(
    spec: TrainingSpec, data: LearnerData, seed: int, rounds: Sequence[int]
) -> Iterator[Round]:
    """Yield what one replicate knows after each of these rounds, for all classes of the data."""
    learner, options = find_learner(spec), _options(spec)
    if options.pop(BOOTSTRAP, False):
        data = data.bootstrapped(seed)
    present, numbered = data.of_present_classes()
    if len(present) == 1:
        yield from _one_class(data, int(present[0]), rounds)
        return
    (random_state,) = stream(seed, Purpose.LEARNER).generate_state(1, np.uint32).tolist()
    absent = 0.0 if _entry(spec).scores == "probabilities" else -np.inf
    for found in learner(numbered, int(random_state), rounds, **options):
        scores = {}
        for name, of_present in found.scores.items():
            scores[name] = np.full((len(of_present), data.n_classes), absent)
            scores[name][:, present] = of_present
        yield Round(scores, found.stop)


def _one_class(data: LearnerData, only: int, rounds: Sequence[int]) -> Iterator[Round]:
    """Predict the one class there are examples of: what every learner would do."""
    scores = {}
    for name, rows in data.splits.items():
        scores[name] = np.zeros((len(rows), data.n_classes))
        scores[name][:, only] = 1.0
    for _ in rounds:
        yield Round(scores, Stop(0, "all its training examples have one class"))


def _options(spec: TrainingSpec) -> dict[str, Any]:
    return {**_entry(spec).options, **spec.architecture.options}


def _entry(spec: TrainingSpec) -> ArchitectureEntry:
    entry = check_architecture(spec.architecture.name, spec.architecture.options)
    if entry is None or not entry.is_learner:
        raise LearnOrderError(
            f"train: {spec.architecture.name!r} is a network. See `learnorder architectures`."
        )
    return entry


def find_learner(spec: TrainingSpec) -> Learner:
    """Return what trains the learner of a spec; this loads the libraries it needs.

    Raises
    ------
    ExtraMissing
        One of them is not installed.
    """
    entry = _entry(spec)
    module, _, function = entry.factory.partition(":")
    try:
        found: Learner = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise ExtraMissing(
            f"train: {entry.name!r} needs scikit-learn, which is not installed. It comes with the "
            "extra 'train'. Install it with `pip install 'learnorder[train]'`."
        ) from error
    return found


def _one_thread() -> Any:
    """Return what holds the libraries loaded by now to one thread each."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
