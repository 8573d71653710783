"""Recording never stops training: what goes wrong is caught, marked in the log, and told once."""

from __future__ import annotations

import inspect
import sys
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.adapters.state import generators_kept
from learnorder.errors import LearnOrderError, nearest
from learnorder.recording.recorder import Recorder

Piece = tuple[str, Any, Any]
"""Predictions of a part of the examples: the split, their positions in it (None for all), and
classes ``(example,)`` or logits ``(example, class_id)``."""

Pieces = Generator[Piece, None, None]


_OPEN: weakref.WeakValueDictionary[tuple[Any, str], GuardedRecorder] = weakref.WeakValueDictionary()
"""Who records which seed of which log in this process."""


class RecordingStopped(RuntimeWarning):
    """Recording has stopped, and training goes on."""


class RecordingGap(RuntimeWarning):
    """Training went on later than its log ended."""


class GuardedRecorder:
    """The recorder of an adapter, which raises nothing but what ends the process.

    After the first failure the replicate is marked as failed with the reason, the user is warned
    once, and nothing more is recorded.

    Parameters
    ----------
    adapter
        What to call the adapter in a warning.
    options
        Of `Recorder`, the path as ``log``; splits come with `begin`.

    Raises
    ------
    LearnOrderError
        `Recorder` has no such option.
    """

    def __init__(self, adapter: str, options: Mapping[str, Any]) -> None:
        known = set(inspect.signature(Recorder).parameters)
        for name in options:
            if name not in known:
                raise LearnOrderError(
                    f"{adapter}: there is no argument {name!r}. {nearest(name, known)}"
                )
        self.adapter, self._options = adapter, dict(options)
        self._recorder: Recorder | None = None
        self._given: dict[str, Any] = {}
        self._unmarked: Recorder | None = None
        self._first: float | None = None
        self._committed: float | None = None
        self._is_replaced = False
        self.problem: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies, in checkpoints or other processes, hold no log."""
        return {**vars(self), "_recorder": None, "_given": {}, "_unmarked": None}

    @property
    def is_open(self) -> bool:
        """Whether predictions are recorded now."""
        return self._recorder is not None

    def begin(self, splits: Callable[[], Mapping[str, Any]]) -> None:
        """Open the log, for one call of a framework's fit.

        Parameters
        ----------
        splits
            Gives ``labels`` and ``ids`` of `Recorder`; called in the guard.
        """
        self.close()
        self.problem = self._first = None
        self._is_replaced = False
        with self.guard(), generators_kept():
            self._replace_other()
            self._given = {**self._options, **splits()}
            self._recorder = Recorder(**self._given)
            self._committed = self._recorder.last_epoch

    def _replace_other(self) -> None:
        """Take the seed from a training of this process that was interrupted without a word.

        Where a framework tells callbacks of no exception, and a notebook keeps them alive, the
        claim of the earlier training would be held for good.
        """
        key = self._options["seed"], str(Path(str(self._options["log"])).absolute())
        other = _OPEN.get(key)
        if other is not None and other is not self and other.is_open:
            other.close()
            other._is_replaced = True
        _OPEN[key] = self

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Catch what fails inside; a KeyboardInterrupt, or what else ends a process, passes."""
        try:
            yield
        except Exception as error:
            # whatever a network, a dataset or a disk raises, training has not failed
            self.give_up(error)

    def wants(self, epoch: float) -> bool:
        """Whether predictions of an epoch are needed.

        Training that was restored from a checkpoint goes on after the last committed epoch. One
        that begins anew arrives at committed epochs again; these are compared with the log.
        """
        if self._is_replaced:
            self._is_replaced = False
            self.give_up("another training of this seed has begun in this process")
        if self._recorder is None:
            return False
        if self._first is None:
            self._first = epoch
            self._tell_gap(epoch)
        begins_anew = self._first <= 1
        return begins_anew or self._committed is None or epoch > self._committed

    def _tell_gap(self, epoch: float) -> None:
        """Say when training goes on later than the log ends."""
        if self._committed is not None and epoch > self._committed + 1:
            _warn(
                f"{self.adapter}: training goes on at epoch {epoch:g}, and the log ends with epoch "
                f"{self._committed:g}. The epochs between them are in no log. Recording goes on; "
                "start from an earlier checkpoint where they are wanted.",
                RecordingGap,
            )

    def record(self, epoch: float, pieces: Callable[[], Pieces]) -> None:
        """Record what makes an epoch whole; random generators are as before when this returns."""
        if not self.wants(epoch):
            return
        # closing: what the pieces were made with is restored before anything is told
        with self.guard(), generators_kept(), closing(pieces()) as found:
            for split, index, values in found:
                self.record_piece(epoch, split, index, values)

    def record_piece(self, epoch: float, split: str, index: Any, values: Any) -> None:
        """Record a part of an epoch; it raises, so call it inside of `guard`."""
        if self._recorder is not None:
            self._recorder.record(epoch, split, values, index=index)

    @property
    def n_classes(self) -> int:
        """Number of classes that can be predicted; 0 where nothing is recorded."""
        return 0 if self._recorder is None else self._recorder.n_classes

    def missing(self, epoch: float, split: str) -> NDArray[np.int64]:
        """Positions of the examples that an epoch has no prediction of yet."""
        found = None if self._recorder is None else self._recorder.missing(epoch, split)
        return np.arange(0) if found is None else found

    def finish(self, stopped: Mapping[str, Any] | None = None) -> None:
        """Declare the replicate finished, if recording has not stopped."""
        recorder = self._recorder
        if recorder is not None:
            with self.guard():
                recorder.finish(stopped)
        self.close()

    def close(self) -> None:
        """Let the log go; a replicate that is not finished is interrupted."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            with suppress(Exception):  # the lock of a folder that is gone, which nobody needs
                recorder.close()
        unmarked, self._unmarked = self._unmarked, None
        # where it fails again, the warning has said already that there is no mark
        with suppress(Exception), generators_kept():
            if unmarked is not None:
                self._mark_late(unmarked)
        self._given = {}

    def _mark_late(self, unmarked: Recorder) -> None:
        """Mark once more what could not be marked, as on a disk that was full."""
        if not any(unmarked.log.iterdir()):
            return  # a log that was removed is not made again
        again = {"log": unmarked.log, "resume": True, "take_over": False}
        recorder = Recorder(**{**self._given, **again})
        if recorder.last_epoch == unmarked.last_epoch:
            recorder.fail(str(self.problem))
        else:
            recorder.close()  # another process has gone on meanwhile

    def give_up(self, error: BaseException | str) -> None:
        """Stop recording, mark the log and tell the user."""
        recorder, self._recorder = self._recorder, None
        if recorder is None and self.problem is not None:
            return
        self.problem = _reason(error)
        if recorder is None:
            outcome = "Nothing more of this training is in the log"
        else:
            outcome, is_marked = _mark(recorder, self.problem)
            self._unmarked = None if is_marked else recorder
        place = f"replicate {self._options['seed']} of {self._options['log']}"
        _warn(
            f"{self.adapter}: {place} is no longer recorded: {self.problem} {outcome}. Training "
            "goes on and is not changed. Correct what is said here, then train this seed again."
        )


def _mark(recorder: Recorder, reason: str) -> tuple[str, bool]:
    """Mark the replicate as failed; how that went, and whether it is done."""
    try:
        recorder.fail(reason)
    except Exception as error:
        told = f"The log could not be marked ({_reason(error)})"
        return f"{told}, which is tried once more after training", False
    return "`learnorder info` shows the replicate as failed with this reason", True


def _reason(error: BaseException | str) -> str:
    """What went wrong as one sentence."""
    text = " ".join(str(error).split())[:1000]
    if isinstance(error, BaseException) and not isinstance(error, LearnOrderError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if text.endswith(".") else f"{text}."


def _warn(message: str, kind: type[RuntimeWarning] = RecordingStopped) -> None:
    """Warn, also where warnings are errors, which would end the training."""
    try:
        warnings.warn(message, kind, stacklevel=2)
    except RuntimeWarning:
        sys.stderr.write(f"{message}\n")
