"""The recording grid: after which steps of training every example is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learnorder.errors import LearnOrderError
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class GridPoint:
    """One point of the grid: its position in it, steps taken, and the same in epochs."""

    index: int
    step: int
    epoch: float


def steps_per_epoch(n_train: int, batch_size: int) -> int:
    """Number of batches in one pass; the last may be smaller.

    Examples
    --------
    >>> steps_per_epoch(1000, 128)
    8
    """
    return -(-n_train // batch_size)


def steps_per_epoch_of(spec: TrainingSpec, n_train: int) -> int:
    """Return the same for a spec; a round of a learner that is no network is one step."""
    is_learner = spec.architecture.is_learner
    return 1 if is_learner else steps_per_epoch(n_train, spec.training.batch_size)


def check_batch_size(spec: TrainingSpec, n_train: int) -> None:
    """Refuse a batch that is larger than the training split.

    Raises
    ------
    LearnOrderError
        It is.
    """
    if not spec.architecture.is_learner and spec.training.batch_size > n_train:
        raise LearnOrderError(
            f"train: training.batch_size = {spec.training.batch_size} is larger than the training "
            f"split ({n_train} examples). A batch holds at most the whole split. Lower batch_size."
        )


def recording_grid(spec: TrainingSpec, n_train: int) -> list[GridPoint]:
    """Points at which predictions are recorded, ascending.

    A longer training of the same spec has the same points first, so a log can be continued. A
    fraction of the first epoch becomes the nearest step inside it, two on one step one point.
    """
    per_epoch = steps_per_epoch_of(spec, n_train)
    steps = {epoch * per_epoch for epoch in spec.recording.epochs(spec.training.epochs)}
    if spec.recording.initial:
        steps.add(0)
    steps |= _early_steps(spec, per_epoch)
    return [GridPoint(i, step, step / per_epoch) for i, step in enumerate(sorted(steps))]


def grid_after(points: Sequence[GridPoint], step: int) -> list[GridPoint]:
    """Points that a replicate at ``step`` has still to reach (its own place included at step 0)."""
    return [p for p in points if p.step > step or (step == 0 and p.step == 0)]


def _early_steps(spec: TrainingSpec, per_epoch: int) -> set[int]:
    """Steps inside the first epoch; an epoch of a single step has none."""
    early = spec.recording.early
    last = per_epoch - 1
    if early == "none":
        return set()
    if early == "log":
        return {2**k for k in range(last.bit_length())}
    if last == 0:
        return set()
    return {min(max(1, round(fraction * per_epoch)), last) for fraction in early}
