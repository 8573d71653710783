"""One split of a log: checked, and read part by part as trusted arrays; values become labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures import _kernels
from learnorder.measures.tiles import (
    CountTile,
    Tile,
    chunk_shape,
    count_shape,
    cuts,
    read_shape,
    tile_plane,
)
from learnorder.schema import (
    DIMS,
    EPOCH,
    EXAMPLE,
    LABEL,
    PREDICTION,
    REPLICATE,
    Labels,
    Predictions,
    Scores,
    not_recorded,
)

UNDEFINED = "undefined"
"""Attribute: for each epoch without a value (NaN), the reason; or under the name of the measure why
there is none at all."""

NEVER = "never"
"""Attribute of an array with infinite values: what it is that never came about there."""

LEFT_OUT = "left_out"
"""Attribute of a mean over pairs: for each epoch at which some are undefined, how many and why."""


BOUND = "bound"
"""Dimension of an interval: ``low``, ``high``."""


@dataclass(frozen=True)
class Split:
    """One split of a log after validation; its predictions are read tile by tile, and checked then.

    Attributes
    ----------
    log
        The split; its predictions may be lazy.
    caller
        Whose name errors begin with.
    label
        ``(example,)``; empty where the split has no labels.
    epochs
        ``(epoch,)`` strictly increasing.
    n_classes
        Number of classes that can be predicted.
    """

    log: xr.Dataset
    caller: str
    label: Labels
    epochs: Scores
    n_classes: int

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return int(self.log.sizes[REPLICATE])

    @property
    def n_epochs(self) -> int:
        """Number of epochs."""
        return int(self.log.sizes[EPOCH])

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return int(self.log.sizes[EXAMPLE])

    @property
    def trained(self) -> slice:
        """Positions of the recorded epochs > 0, the last ones; there may be none."""
        return slice(int((self.epochs <= 0).sum()), self.n_epochs)

    def replicate(self, position: int) -> Split:
        """One replicate as a split of its own."""
        return replace(self, log=self.log.isel({REPLICATE: [position]}))

    def read(self, epochs: slice, examples: slice, replicates: slice = slice(None)) -> Predictions:
        """Predictions, unchecked, read and kept nowhere else."""
        # Through the variable: its slice is lazy, and caches apart from the whole.
        return np.asarray(self.log[PREDICTION].variable[replicates, epochs, examples].values)

    def reads(
        self, epochs: slice | None = None, most_examples: int | None = None
    ) -> Iterator[Tile]:
        """All predictions of some epochs, unchecked, as they are best read from the log.

        Reads follow its chunks. All epochs of some examples come before other examples, and at most
        ``most_examples`` are read at once.
        """
        prediction = self.log[PREDICTION]
        shape = (self.n_replicates, self.n_epochs, self.n_examples)
        chunk = chunk_shape(prediction.encoding, self.n_examples)
        size = prediction.dtype.itemsize
        height, width = read_shape(shape, size, chunk, most_examples or self.n_examples)
        for column in cuts(slice(0, self.n_examples), width):
            for part in cuts(epochs or slice(0, self.n_epochs), height):
                read = self.read(part, column)
                yield Tile(part, column, column, read, self.label[column])
                del read  # or it would be held while the next is read

    def tiles(
        self, epochs: slice | None = None, most_examples: int | None = None
    ) -> Iterator[Tile]:
        """The same in tiles that fit the caches, every value a class.

        Raises
        ------
        LearnOrderError
            A prediction was not recorded, or is no class.
        """
        plane = tile_plane(self.n_replicates, self.log[PREDICTION].dtype.itemsize)
        for whole in self.reads(epochs, most_examples):
            for tile in whole.parts(plane):
                self._check_classes(tile)
                yield tile
                del tile
            del whole

    def counted(self) -> Iterator[CountTile]:
        """How many replicates are right, with no more than a few of them in memory.

        Raises
        ------
        LearnOrderError
            A prediction was not recorded, or is no class.
        """
        prediction = self.log[PREDICTION]
        shape = (self.n_replicates, self.n_epochs, self.n_examples)
        chunk = chunk_shape(prediction.encoding, self.n_examples)
        group, height, width = count_shape(shape, prediction.dtype.itemsize, chunk)
        for column in cuts(slice(0, self.n_examples), width):
            for part in cuts(slice(0, self.n_epochs), height):
                counts = _kernels.no_counts(part, column, self.n_replicates)
                for replicates in cuts(slice(0, self.n_replicates), group):
                    self._count(replicates, part, column, counts)
                yield CountTile(part, column, counts)

    def _count(
        self, replicates: slice, epochs: slice, examples: slice, counts: _kernels.Counts
    ) -> None:
        read = self.read(epochs, examples, replicates)
        whole = Tile(epochs, examples, examples, read, self.label[examples])
        for tile in whole.parts():
            rows = slice(tile.epochs.start - epochs.start, tile.epochs.stop - epochs.start)
            columns = slice(
                tile.examples.start - examples.start, tile.examples.stop - examples.start
            )
            here = counts[rows, columns]
            each = _kernels.each_correct(tile.prediction, tile.label)
            for predicted, right in zip(tile.prediction, each, strict=True):
                # Looked at while it is in the caches.
                if int(predicted.max()) >= self.n_classes:
                    self._refuse(tile, replicates.start)
                _kernels.add_right(here, right)

    def _check_classes(self, tile: Tile) -> None:
        """Refuse what is no class."""
        if int(tile.prediction.max()) >= self.n_classes:
            self._refuse(tile)

    def _refuse(self, tile: Tile, first_replicate: int = 0) -> NoReturn:
        """Say which prediction is no class."""
        r, e, x = np.argwhere(tile.prediction >= self.n_classes)[0]
        found = tile.prediction[r, e, x]
        seed = self.log[REPLICATE].values[first_replicate + r]
        epoch = float(self.epochs[tile.epochs.start + e])
        example = self.log[EXAMPLE].values[tile.examples.start + x]
        where = f"seed {seed}, epoch {epoch:g}, example {example}"
        if found == not_recorded(tile.prediction.dtype):
            raise LearnOrderError(
                f"{self.caller}: a prediction was not recorded (for example: {where}). Measures "
                "need all of the epochs they use. Select complete replicates and epochs."
            )
        raise LearnOrderError(
            f"{self.caller}: prediction {found} is no class (for example: {where}). Classes are "
            f"0..{self.n_classes - 1}. Check `n_classes` of the log."
        )


def read_split(log: xr.Dataset, caller: str, *, labels: bool = True) -> Split:
    """Check one split of a log, all but its predictions; errors begin with ``caller``."""
    check_split(log, caller)
    n_classes = _n_classes(log, caller)
    return Split(
        log=log,
        caller=caller,
        label=_labels(log, n_classes, caller, needed=labels),
        epochs=np.asarray(log[EPOCH].values, dtype=np.float64),
        n_classes=n_classes,
    )


def check_split(log: xr.Dataset, caller: str) -> None:
    """Check all that can be checked without reading predictions."""
    _check_type(log, caller)
    _check_layout(log, caller)
    _n_classes(log, caller)
    _check_epochs(log, caller)


def trained_epochs(split: Split, why: str) -> slice:
    """Positions of the recorded epochs > 0; ``why`` says what they are needed for.

    Raises
    ------
    LearnOrderError
        There is none.
    """
    if split.trained.start == split.n_epochs:
        raise LearnOrderError(
            f"{split.caller}: no epoch after training began was recorded (epochs: "
            f"{', '.join(f'{e:g}' for e in split.epochs)}). {why} Record at least one."
        )
    return split.trained


def labelled(
    log: xr.Dataset,
    name: str,
    values: Scores,
    *dims: str,
    undefined: dict[float, str] | None = None,
) -> xr.DataArray:
    """Give plain values a name, and the dims and coordinates of the log they came from."""
    coords: dict[str, Any] = {dim: log.coords[dim] for dim in dims if dim in log.coords}
    if BOUND in dims:
        coords[BOUND] = ["low", "high"]
    result = xr.DataArray(values, dims=dims, coords=coords, name=name)
    result.attrs["n_replicates"] = log.sizes[REPLICATE]
    if "split" in log.attrs:
        result.attrs["split"] = log.attrs["split"]
    if undefined is not None:
        result.attrs[UNDEFINED] = undefined
    return result


def _check_type(log: xr.Dataset, caller: str) -> None:
    if not isinstance(log, xr.Dataset) or PREDICTION not in log:
        raise LearnOrderError(
            f"{caller}: this is not one split of a log ({type(log).__name__}). A split is an "
            "xarray Dataset with `prediction`. Pass `open_log(path)['test']` or `from_arrays(...)`."
        )


def _check_layout(log: xr.Dataset, caller: str) -> None:
    found = tuple(str(d) for d in log[PREDICTION].dims)
    if found != DIMS:
        raise LearnOrderError(
            f"{caller}: the dims of `prediction` are {found}. They must be {DIMS}, in this order. "
            "Transpose, or build the split with `from_arrays`."
        )
    missing = [dim for dim in DIMS if dim not in log.coords]
    if missing:
        raise LearnOrderError(
            f"{caller}: the split has no coordinate {missing[0]!r}. Each of {DIMS} has one (seeds, "
            "epochs, example ids). Build the split with `from_arrays`."
        )
    if any(log.sizes[dim] == 0 for dim in DIMS):
        counts = ", ".join(f"{log.sizes[dim]} {dim}s" for dim in DIMS)
        raise LearnOrderError(
            f"{caller}: nothing to measure ({counts}). At least one of each must be logged. "
            "See what the log holds with `learnorder info LOG`."
        )
    if log[PREDICTION].dtype.kind != "u":
        raise LearnOrderError(
            f"{caller}: predictions have the type {log[PREDICTION].dtype}. They must be unsigned "
            "integers, the predicted class. Build the split with `from_arrays`."
        )


def _n_classes(log: xr.Dataset, caller: str) -> int:
    found = log.attrs.get("n_classes")
    if isinstance(found, int | np.integer) and not isinstance(found, bool) and found >= 1:
        return int(found)
    raise LearnOrderError(
        f"{caller}: the attribute `n_classes` is {found!r}. It must be a whole number of at least "
        "1. Build the split with `from_arrays`."
    )


def _check_epochs(log: xr.Dataset, caller: str) -> None:
    epochs = log[EPOCH].values
    numeric = epochs.dtype.kind in "iuf"
    finite = numeric and bool(np.isfinite(epochs).all())
    if not finite or (np.diff(epochs) <= 0).any() or epochs[0] < 0:
        raise LearnOrderError(
            f"{caller}: the epochs are {_shown(epochs)}. They must be finite numbers from 0 up in "
            "strictly increasing order. Sort the log by epoch and drop repeated epochs."
        )


def _labels(log: xr.Dataset, n_classes: int, caller: str, *, needed: bool) -> Labels:
    if LABEL not in log:
        if not needed:
            return np.empty(0, dtype=np.int64)
        raise LearnOrderError(
            f"{caller}: the split {log.attrs.get('split', '')!r} has no labels. This measure "
            "compares predictions with labels. Use `agreement`, or "
            '`fleiss_kappa(log, of="prediction")`.'
        )
    if log[LABEL].dims != (EXAMPLE,) or log[LABEL].dtype.kind not in "iu":
        raise LearnOrderError(
            f"{caller}: `label` has dims {log[LABEL].dims} and type {log[LABEL].dtype}. It must be "
            "integers over ('example',). Build the split with `from_arrays`."
        )
    label: Labels = np.asarray(log[LABEL].values, dtype=np.int64)
    outside = np.flatnonzero((label < 0) | (label >= n_classes))
    if outside.size:
        x = outside[0]
        raise LearnOrderError(
            f"{caller}: label {label[x]} of example {log[EXAMPLE].values[x]} is no class. Classes "
            f"are 0..{n_classes - 1}. Check `n_classes` of the log."
        )
    return label


def _shown(values: NDArray[np.generic]) -> str:
    listed = [f"{v}" for v in values[:6]]
    return "[" + ", ".join(listed) + (", ...]" if len(values) > 6 else "]")
