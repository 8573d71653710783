"""What was kept of the networks of one setting, read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import xarray as xr
from benchmarks.labels.campaign import FOLDS, WHOLE, Job, planted
from benchmarks.labels.settings import N_FOLDS, Problem, fold_of
from numpy.typing import NDArray

import learnorder as lo

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Networks:
    """Some networks of one kind in one setting.

    Attributes
    ----------
    prediction
        ``(network, record, example)`` classes, from the log: all that the product keeps.
    epoch
        ``(record,)``.
    held_out
        ``(network, example)`` bool.
    of_label
        By quantity ``(network, record, example)``; what the other methods need.
    last
        ``(network, example, class)`` probabilities at the end.
    """

    prediction: NDArray[np.integer]
    epoch: Floats
    held_out: NDArray[np.bool_]
    of_label: dict[str, NDArray[np.floating]]
    last: NDArray[np.float32]

    def first(self, n: int) -> Networks:
        """The first of them."""
        return Networks(
            self.prediction[:n],
            self.epoch,
            self.held_out[:n],
            {name: values[:n] for name, values in self.of_label.items()},
            self.last[:n],
        )

    @property
    def whole_epochs(self) -> NDArray[np.bool_]:
        """Which records are after whole epochs."""
        return self.epoch >= 1


@dataclass(frozen=True)
class Setting:
    """One dataset with one noise."""

    setup: str
    noise: str
    given: NDArray[np.int64]
    true: NDArray[np.int64]
    whole: Networks
    folds: Networks

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """Which labels are planted errors, ``(example,)``."""
        return self.given != self.true


class Scoring(Protocol):
    """A rule that scores the examples of a setting."""

    @property
    def name(self) -> str:
        """A name for tables."""
        ...

    def of(self, setting: Setting, cost: int) -> Floats:
        """``(example,)``, high where the label is suspected; by networks of this cost."""
        ...


def read(setup: str, noise: str, problem: Problem, scratch: Path, n_networks: int) -> Setting:
    """Read a setting whose networks are trained."""
    given = planted(problem, noise)
    whole, folds = (
        _networks([Job(setup, noise, kind, seed) for seed in range(n_networks)], scratch, given)
        for kind in (WHOLE, FOLDS)
    )
    return Setting(setup, noise, given, problem.labels, whole, folds)


def _networks(jobs: list[Job], scratch: Path, given: NDArray[np.int64]) -> Networks:
    log: xr.Dataset = lo.open_log(jobs[0].log(scratch))["train"].sel(
        replicate=[job.seed for job in jobs]
    )
    if not (log.label.values == given).all():
        raise SystemExit(f"{jobs[0].log(scratch)} holds other labels than these.")
    kept = [dict(np.load(job.kept(scratch))) for job in jobs]
    names = ("probability", "loss", "margin", "error_norm", "right")
    for job, of_one in zip(jobs, kept, strict=True):
        if job.kind == FOLDS and not (of_one["held_out"] == fold_of(len(given), job.seed)).all():
            raise SystemExit(f"{job.kept(scratch)} is of another fold.")
    return Networks(
        log.prediction.values,
        log.epoch.values,
        np.stack([of_one["held_out"] for of_one in kept]),
        {name: np.stack([of_one[name] for of_one in kept]) for name in names},
        np.stack([of_one["last"] for of_one in kept]),
    )


def out_of_fold(folds: Networks) -> NDArray[np.float32]:
    """Probabilities of each example by networks that it did not train, ``(example, class)``.

    Several partitions are averaged. Whole partitions only: ``len(folds.held_out)`` is a multiple
    of the number of folds.
    """
    n_partitions = len(folds.held_out) // N_FOLDS
    assert n_partitions * N_FOLDS == len(folds.held_out)
    weighted = folds.last * folds.held_out[:, :, np.newaxis]
    return np.asarray(weighted.sum(axis=0) / n_partitions)
