"""Record the predictions of one replicate from anybody's training loop."""

from __future__ import annotations

import math
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnorder.errors import LearnOrderError, SpecDiffers, nearest
from learnorder.log import layout
from learnorder.log.creation import NewLog, create_log, is_vacant, refuse_foreign
from learnorder.log.files import is_local, reason
from learnorder.log.labelled import LARGEST_EPOCH
from learnorder.log.layout import Header
from learnorder.log.location import locate
from learnorder.log.writer import ReplicateWriter
from learnorder.recording.declared import declared_log, versions
from learnorder.recording.epoch import RecordedEpoch, RecordedSplit
from learnorder.recording.same_log import refuse_other_log
from learnorder.schema import EpochPredictions

LARGEST_SEED = 2**63 - 1
"""Seeds are coordinates of the log, which are 64-bit integers."""


class Recorder:
    """Records one replicate, from any training loop, into a log.

    The log is created by the first recorder; others, also at the same moment and in other
    processes, add replicates of other seeds. An epoch counts once all splits are recorded: it is on
    the disk when the `record` that completes it returns, and no killed process takes it back. It is
    also a context manager, which finishes the replicate unless there is an exception.

    Parameters
    ----------
    log
        Folder or URL of the log.
    seed
        Which replicate: an integer from 0 up, the seed that your training was started from.
    labels
        For each split ``(example,)`` integers from 0 up, the given labels, in the order in which
        predictions will be recorded; None for a split without labels, which then needs ids.
    ids
        For some splits ``(example,)`` integers or str, all different and none empty: the stable
        identity of each example. The positions without it.
    n_classes
        Number of classes that can be predicted; without it the largest label + 1.
    class_names
        One name for each class; the class ids without it.
    examples
        For some splits what the examples are, for people: images ``(example, height, width[, 3])``,
        uint8 or floats in [0, 1], or texts. Previews of up to 20,000 a split are kept in the log
        when it is created, and reports show them.
    as_seen
        Splits, or one, whose predictions are collected from the batches while training, not by a
        pass after the epoch. The log says so. An example that is seen again in an epoch keeps the
        prediction of its first time.
    about
        What the training is: hyper-parameters and the like, as JSON has them. It is the same for
        all replicates of a log, so the seed is no part of it.
    resume
        Go on with a replicate of which epochs are committed. With False that is refused.
    take_over
        Where a file system has no locks: replace the claim of a process that is known to have
        ended.

    Raises
    ------
    LogBusy
        Another recorder writes this replicate.
    ExamplesDiffer
        The log at the path has other examples, another order or other labels.
    SpecDiffers
        The log at the path is of another training.
    LearnOrderError
        Something does not fit; the message says what holds and what to do.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with Recorder(f"{folder}/runs.zarr", seed=3, labels={"test": [0, 1, 1]}) as recorder:
    ...     recorder.record(1, "test", [0, 0, 1])
    ...     recorder.record(2, "test", [[2.0, -1.0], [0.3, 0.9], [-1.0, 1.0]])
    >>> recorder.last_epoch
    2
    """

    def __init__(
        self,
        log: str | PathLike[str],
        seed: int,
        labels: Mapping[str, ArrayLike | None],
        *,
        ids: Mapping[str, ArrayLike] | None = None,
        n_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        examples: Mapping[str, ArrayLike | Sequence[str]] | None = None,
        as_seen: str | Collection[str] = (),
        about: Mapping[str, Any] | None = None,
        resume: bool = True,
        take_over: bool = False,
    ) -> None:
        self._seed = _checked_seed(seed)
        new = declared_log(labels, ids, n_classes, class_names, examples, as_seen, about)
        place = locate(log)
        # a script may change its folder while it trains
        self._log = place.absolute() if is_local(place) else place
        with self._telling():
            header = _open_or_create(self._log, new, take_over)
            self._writer = ReplicateWriter(
                self._log, self._seed, None, versions(), header.identity, take_over=take_over
            )
        self._examples = {name: new.splits[name][0] for name in header.splits}
        self._n_classes, self._as_seen = header.n_classes, set(header.as_seen)
        # a recorder that nobody holds any more lets others go on
        self._release = weakref.finalize(self, self._writer.release)
        self._epoch: RecordedEpoch | None = None
        self._is_finished = False
        if not resume and self._writer.epochs:
            self.close()
            raise LearnOrderError(
                f"Recorder: replicate {self._seed} of {self._log} has epochs up to "
                f"{self._writer.epochs[-1]:g}. What is committed is never replaced. Go on after "
                "them with resume=True, or give another seed or path."
            )

    @property
    def log(self) -> Path:
        """Where the log lies, whatever folder the script has changed to since."""
        return self._log

    @property
    def last_epoch(self) -> float | None:
        """The last epoch that is committed, with all splits; None before the first.

        An int where it is a whole number, so that a loop can count on from it.
        """
        if not self._writer.epochs:
            return None
        last = self._writer.epochs[-1]
        return int(last) if last.is_integer() else last

    @property
    def n_classes(self) -> int:
        """Number of classes that can be predicted."""
        return self._n_classes

    def __repr__(self) -> str:
        state = "open" if self._release.alive else "closed"
        last = "none" if self.last_epoch is None else f"{self.last_epoch:g}"
        return f"<Recorder {str(self._log)!r}: seed {self._seed}, last epoch {last}, {state}>"

    def record(
        self, epoch: float, split: str, predictions: ArrayLike, *, index: ArrayLike | None = None
    ) -> None:
        """Record predictions of a split at an epoch: all at once, or in pieces in any order.

        With all splits the epoch is committed: it is on the disk when this returns. An epoch that
        is committed already may be recorded again with the same predictions, which changes nothing.

        Parameters
        ----------
        epoch
            Passes over the training set completed; 0 is before training; may be fractional.
            Epochs ascend.
        split
            One of those that have labels.
        predictions
            ``(example,)`` integers, the predicted classes; or ``(example, class_id)`` logits or
            probabilities, of which the largest counts, the lowest class where several are equal.
            An array of numpy, torch, jax or tensorflow, on any device, or a list.
        index
            ``(example,)`` integers: the position in the split of each of these predictions. Without
            it they are those of all examples in the order of the labels. What a sampler repeats to
            fill up batches may come twice, if it is the same.

        Raises
        ------
        LogBusy
            Another process has taken over.
        LearnOrderError
            Something does not fit, an example has two predictions, an epoch was left incomplete, or
            the log holds other predictions of it. Nothing of this call is recorded then.
        """
        self._require_open()
        self._require_declared(split)
        current = self._enter(_checked_epoch(epoch))
        current.add(split, predictions, index)
        self._epoch = current
        if current.is_whole:
            self._commit(current)

    def missing(self, epoch: float, split: str) -> NDArray[np.int64]:
        """Positions of the examples of a split that an epoch has no prediction of yet, ascending.

        What a training loader leaves out (``drop_last``) can be predicted and recorded by them.
        """
        self._require_declared(split)
        number = _checked_epoch(epoch)
        if self._epoch is not None and self._epoch.epoch == number:
            return self._epoch.splits[split].missing()
        return np.arange(0 if number in self._writer.epochs else len(self._examples[split]))

    def finish(self, stopped: Mapping[str, Any] | None = None) -> None:
        """Declare the replicate finished, so that measures count it, and let the log go.

        Parameters
        ----------
        stopped
            Where the learner stopped before the last epoch that was recorded, or planned: the
            ``epoch`` after which nothing changed, and the ``reason``. `learnorder info` says it.

        Raises
        ------
        LearnOrderError
            Nothing was recorded, or the last epoch is incomplete; the replicate stays as it is.
        """
        if self._is_finished:
            return
        self._require_open()
        self._settle()
        if not self._writer.epochs:
            raise LearnOrderError(
                f"Recorder: nothing was recorded of replicate {self._seed} in {self._log}. A "
                "finished replicate has at least one epoch. Record one, or close() instead."
            )
        with self._telling():
            self._writer.finish(stopped)
        self._is_finished = True
        self.close()

    def fail(self, reason: str) -> None:
        """Mark the replicate as failed, so that measures leave it out and say why; let the log go.

        What is committed stays, and a recorder of the same seed can go on after it. A replicate
        that was finished before, and to which nothing was added, stays finished.

        Raises
        ------
        LearnOrderError
            The log cannot be written.
        """
        if not self._release.alive:
            return
        try:
            with self._telling():
                before = self._writer.attempt.outcome() or {}
                same = before.get("epochs") == len(self._writer.epochs)
                if before.get("status") != "finished" or not same:
                    self._writer.fail("recording", float(self.last_epoch or 0), reason)
        finally:
            self.close()

    def close(self) -> None:
        """Let the log go without finishing: the replicate is interrupted and can be resumed.

        What was recorded of an incomplete epoch is dropped.
        """
        self._epoch = None
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def _require_open(self) -> None:
        if not self._release.alive:
            raise LearnOrderError(
                f"Recorder: replicate {self._seed} of {self._log} is closed here. One recorder "
                "records until finish() or close(). Make a new one to go on."
            )

    def _require_declared(self, split: Any) -> None:
        if not isinstance(split, str) or split not in self._examples:
            raise LearnOrderError(
                f"Recorder: split {split!r} was not declared. "
                f"{nearest(str(split), self._examples)} Give it with labels when making the "
                "recorder; None for a split without labels."
            )

    def _enter(self, epoch: float) -> RecordedEpoch:
        """Return the epoch that is being recorded, or begin the one that comes next."""
        current, committed = self._epoch, self._writer.epochs
        if current is not None and current.epoch == epoch:
            return current
        self._settle()
        if committed and epoch < committed[-1] and epoch not in committed:
            raise LearnOrderError(
                f"Recorder: epoch {epoch:g} comes after epoch {committed[-1]:g} of replicate "
                f"{self._seed}. Epochs ascend, and none is put between others. Go on after the "
                "last, which last_epoch says, or give another seed or path."
            )
        splits = {
            name: RecordedSplit(name, examples, self._n_classes, name in self._as_seen)
            for name, examples in self._examples.items()
        }
        return RecordedEpoch(epoch, splits)

    def _settle(self) -> None:
        """Leave no epoch behind that is not committed."""
        current = self._epoch
        if current is None:
            return
        if problem := current.problem():
            raise LearnOrderError(
                f"Recorder: epoch {current.epoch:g} of replicate {self._seed} is incomplete: "
                f"{problem}. An epoch has a prediction for each example of every split. Record the "
                "rest first, or close() to drop it."
            )
        self._commit(current)  # which the system refused before

    def _commit(self, current: RecordedEpoch) -> None:
        epochs = self._writer.epochs
        again = current.epoch in epochs
        index = epochs.index(current.epoch) if again else len(epochs)
        classes = {name: split.classes for name, split in current.splits.items()}
        record = EpochPredictions(self._seed, index, current.epoch, classes)
        if again and (differing := self._writer.differing(record)):
            self._epoch = None
            raise LearnOrderError(
                f"Recorder: epoch {current.epoch:g} of replicate {self._seed} is in {self._log} "
                f"with other predictions of split {differing[0].split!r}. What is committed is "
                "never changed. Go on after the last epoch, from a state of your own, or give "
                "another seed or path."
            )
        with self._telling():
            self._writer.write(record)
        self._epoch = None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell in one line what the system refused."""
        try:
            yield
        except OSError as error:
            raise LearnOrderError(
                f"Recorder: {self._log} cannot be written ({reason(error)}). What was committed "
                "before is safe. See that there is room and that this process may write, then try "
                "again."
            ) from error


def _open_or_create(log: Path, new: NewLog, take_over: bool) -> Header:
    """Header of the log, which is this one or was created from the same."""
    refuse_foreign(log)
    if is_vacant(log):
        with suppress(SpecDiffers):  # of a log that appeared meanwhile; what differs comes next
            create_log(log, new, take_over=take_over)
    header = layout.read_header(log)
    refuse_other_log(log, header, new)
    return header


def _checked_seed(seed: Any) -> int:
    is_integer = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not is_integer or not 0 <= int(seed) <= LARGEST_SEED:
        raise LearnOrderError(
            f"Recorder: seed = {seed!r}. It is an integer from 0 to {LARGEST_SEED} that names the "
            "replicate. Give the seed that training was started from."
        )
    return int(seed)


def _checked_epoch(epoch: Any) -> float:
    number = None if isinstance(epoch, bool) or not isinstance(epoch, Real) else float(epoch)
    if number is None or not math.isfinite(number) or not 0 <= number <= LARGEST_EPOCH:
        raise LearnOrderError(
            f"Recorder: epoch {epoch!r}. It is the number of passes over the training set that are "
            f"completed, from 0 to {LARGEST_EPOCH:g}; 0 is before training. Correct it."
        )
    return number
