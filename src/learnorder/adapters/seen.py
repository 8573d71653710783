"""Predictions that training itself makes of its batches, gathered from all its processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from learnorder.adapters.examples import check_datasets
from learnorder.adapters.guarded import Pieces
from learnorder.errors import LearnOrderError
from learnorder.recording.arrays import as_numpy
from learnorder.recording.classes import predicted_classes

SPLIT = "train"
"""The split that training sees."""


class SeenInTraining:
    """Predictions of the batches of one epoch, in the order of training.

    Parameters
    ----------
    adapter
        How the message of an error begins.
    """

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._found: list[tuple[Any, Any, int | None]] = []
        self._problem: str | None = None

    def add(self, read: Callable[[], tuple[Any, Any]]) -> None:
        """Take positions and predictions of a batch; what goes wrong is told with the epoch."""
        if self._problem is not None:
            return
        try:
            index, values = read()
            where = f"{self._adapter}: as_seen"
            array = as_numpy(values, f"{where}: the predictions")
            columns = array.shape[1] if array.ndim == 2 else None
            classes = predicted_classes(
                array, columns or 2**32 - 2, where, lambda row: f"row {row}"
            )
            self._found.append((as_numpy(index, f"{where}: the index"), classes, columns))
        except Exception as error:
            # of this process, perhaps not the one that records; all of them go on
            kind = "" if isinstance(error, LearnOrderError) else f"{type(error).__name__}: "
            self._problem = f"{kind}{error}"

    def clear(self) -> None:
        """Forget what was taken."""
        self._found, self._problem = [], None

    def gathered(self) -> list[tuple[list[Any], str | None]]:
        """Forget what was taken, and in process 0 return that of each process; all call this."""
        own = self._found, self._problem
        self.clear()
        distributed = _distributed()
        if distributed is None:
            return [own]
        n_ranks, rank = distributed.get_world_size(), distributed.get_rank()
        parts: list[Any] | None = [None] * n_ranks if rank == 0 else None
        distributed.gather_object(own, parts)
        return parts or []


def pieces(parts: list[tuple[list[Any], str | None]], n_classes: int, adapter: str) -> Pieces:
    """What was gathered, for the recorder.

    Raises
    ------
    LearnOrderError
        A process could not read its predictions, or logits have another number of columns.
    """
    for found, problem in parts:
        if problem is not None:
            raise LearnOrderError(problem)
        for index, classes, columns in found:
            if columns not in (None, n_classes):
                raise LearnOrderError(
                    f"{adapter}: as_seen gives logits with {columns} columns; the log has "
                    f"{n_classes} classes. Logits have a column for each. Give all, or n_classes."
                )
            yield SPLIT, index, classes


def check_as_seen(adapter: str, as_seen: Any, data: Any) -> None:
    """Refuse what cannot be collected.

    Raises
    ------
    LearnOrderError
        ``as_seen`` is no function, or there is no split of training.
    """
    if not callable(as_seen):
        raise LearnOrderError(
            f"{adapter}: as_seen is a {type(as_seen).__name__}. It is a function that gives the "
            "positions and the predictions of a training batch. Pass one, or None."
        )
    if data is not None and SPLIT not in check_datasets(adapter, data):
        raise LearnOrderError(
            f"{adapter}: as_seen is given, and data has no split {SPLIT!r}. Its labels and its "
            "order come from there, and what training leaves out is predicted. Add it."
        )


def refuse_as_seen(adapter: str, options: Mapping[str, Any], why: str) -> None:
    """Refuse to collect predictions while training where the framework does not show them.

    Raises
    ------
    LearnOrderError
        It was asked for.
    """
    if options.get("as_seen"):
        raise LearnOrderError(
            f"{adapter}: as_seen cannot be had: {why}. Predictions are made by a pass after each "
            "epoch. Leave it out, or use lo.Recorder in a loop of your own."
        )


def _distributed() -> Any:
    """torch.distributed where several processes train; None otherwise."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    found: Any = torch.distributed
    ready = found.is_available() and found.is_initialized()
    return found if ready and found.get_world_size() > 1 else None
