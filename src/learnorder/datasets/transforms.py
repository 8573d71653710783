"""Inputs changed on purpose, to see what the order owes to their statistics.

What a transform needs to know it takes from the training split, and applies to every split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset, Kind
from learnorder.datasets.normalisation import Moments, blocks, feature_moments, normalised_features
from learnorder.datasets.sampling import refuse_seed
from learnorder.errors import ExtraMissing, LearnOrderError

TransformName = Literal["permuted-pixels", "zca", "pca"]

PERMUTATION_DRAW: Final = 0x9E12
"""Keeps this draw apart from every other draw made with the same seed."""

EPSILON: Final = 1e-5
"""Variance added by `zca` to every direction, of pixels in [0, 1]: some eight times what rounding
to bytes adds (1/255 squared, over 12), so that directions of rounding noise are not blown up."""

MOST_DIMENSIONS: Final = 5000
"""Values of an input whose covariance is worked out: 200 MB, and a minute or two of one core."""

Matrix = NDArray[np.float64]


def transform_inputs(
    dataset: Dataset,
    name: TransformName,
    *,
    epsilon: float = EPSILON,
    components: int | None = None,
    reconstruct: bool = False,
    seed: int = 0,
) -> Dataset:
    r"""Dataset with other inputs for the same examples and labels.

    ``permuted-pixels``
        The pixels of every image in one other order, drawn with ``seed``: what is near on an image
        is near no more, and all else stays.
    ``zca``
        :math:`U (\Lambda + \epsilon)^{-1/2} U^\top (x - \mu)` with mean and covariance
        :math:`U \Lambda U^\top` of the training split: uncorrelated values of deviation 1 that are
        as near to the input as such values can be.
    ``pca``
        :math:`U_k^\top (x - \mu)`, the projections on the ``components`` directions of largest
        variance, as features; with ``reconstruct`` instead :math:`\mu + U_k U_k^\top (x - \mu)`,
        which is an input as before.

    The two latter read pixels as numbers in [0, 1], and features less their mean and divided by
    their deviation over the training split. Their results are float32, images too: nothing is
    rounded to bytes or cut off.

    Parameters
    ----------
    dataset
        Images, or, unless pixels are permuted, features.
    name
        Which one.
    epsilon
        For ``zca``: added to the variance of every direction, above 0.
    components, reconstruct
        For ``pca``: directions kept, fewer than there are training examples; and whether to go
        back.
    seed
        Of the permutation.

    Raises
    ------
    LearnOrderError
        The inputs are of another kind, or an argument is out of range.
    ExtraMissing
        threadpoolctl, which comes with scikit-learn, is not installed.

    References
    ----------
    bell1997independent, pearson1901lines.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 3)) @ [[1, 2, 0], [0, 1, 2], [0, 0, 1]]
    >>> plain = Dataset.from_arrays(x, np.arange(500) % 2, x[:9], np.arange(9) % 2)
    >>> white = transform_inputs(plain, "zca").train.inputs
    >>> bool(np.allclose(np.cov(white.T, bias=True), np.eye(3), atol=1e-3))
    True
    """
    _refuse_kind(dataset, name)
    if name == "permuted-pixels":
        return _with_inputs(dataset, _permuted(dataset, seed), dataset.kind)
    _refuse_size(dataset, name)
    with _one_thread():
        vectors = _Vectors.of(dataset)
        mean, variances, directions = _principal(vectors, dataset.train.inputs)
        if name == "zca":
            _refuse_epsilon(epsilon)
            matrix = (directions / np.sqrt(variances + epsilon)) @ directions.T
            white = {
                split: vectors.shaped(vectors.mapped(value.inputs, mean, matrix))
                for split, value in dataset.splits.items()
            }
            return _with_inputs(dataset, white, dataset.kind)
        kept = directions[:, : _checked_components(dataset, components)]
        if not reconstruct:
            projected = {
                split: vectors.mapped(value.inputs, mean, kept)
                for split, value in dataset.splits.items()
            }
            return _with_inputs(dataset, projected, "features")
        back = {
            split: vectors.shaped(vectors.restored(value.inputs, mean, kept))
            for split, value in dataset.splits.items()
        }
        return _with_inputs(dataset, back, dataset.kind)


@dataclass(frozen=True)
class _Vectors:
    """How inputs become rows of numbers of one scale, and come back."""

    shape: tuple[int, ...]
    moments: Moments | None

    @classmethod
    def of(cls, dataset: Dataset) -> _Vectors:
        train = dataset.train.inputs
        return cls(train.shape[1:], feature_moments(train) if dataset.kind == "features" else None)

    def rows(self, inputs: NDArray[Any]) -> Iterator[Matrix]:
        """Blocks of inputs as float64 ``(example, value)``."""
        if self.moments is not None:
            yield from (b.astype(np.float64) for b in normalised_features(inputs, self.moments))
            return
        scale = 255.0 if inputs.dtype == np.uint8 else 1.0
        for block in blocks(inputs):
            part = inputs[block]
            yield part.reshape(len(part), -1) / scale

    def mapped(self, inputs: NDArray[Any], mean: Matrix, matrix: Matrix) -> NDArray[np.float32]:
        """Rows less the mean, times a matrix."""
        parts = [((rows - mean) @ matrix).astype(np.float32) for rows in self.rows(inputs)]
        return np.concatenate(parts)

    def restored(self, inputs: NDArray[Any], mean: Matrix, kept: Matrix) -> NDArray[np.float32]:
        """Rows as their projections on some directions give them back, in the unit of the input."""
        parts = []
        for rows in self.rows(inputs):
            back = mean + ((rows - mean) @ kept) @ kept.T
            if self.moments is not None:
                back = back * self.moments[1] + self.moments[0]
            parts.append(back.astype(np.float32))
        return np.concatenate(parts)

    def shaped(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows in the shape of inputs."""
        return rows.reshape(len(rows), *self.shape)


def _principal(vectors: _Vectors, train: NDArray[Any]) -> tuple[Matrix, Matrix, Matrix]:
    """Mean, variances from the largest on, and their directions as columns."""
    mean = sum(np.sum(rows, axis=0) for rows in vectors.rows(train)) / len(train)
    covariance = np.zeros((len(mean), len(mean)))
    for rows in vectors.rows(train):
        centred = rows - mean
        covariance += centred.T @ centred
    variances, directions = np.linalg.eigh(covariance / len(train))
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    # a direction has two signs; the largest part of each is made positive
    largest = np.argmax(np.abs(directions), axis=0)
    signs = np.where(directions[largest, np.arange(directions.shape[1])] < 0, -1.0, 1.0)
    return mean, variances, directions * signs


def _permuted(dataset: Dataset, seed: int) -> dict[str, NDArray[Any]]:
    refuse_seed(seed, f"permuted-pixels: {dataset.name!r}")
    height, width = dataset.train.inputs.shape[1:3]
    stream = np.random.SeedSequence([int(seed), PERMUTATION_DRAW])
    order = np.random.default_rng(stream).permutation(height * width)
    permuted = {}
    for name, split in dataset.splits.items():
        flat = split.inputs.reshape(len(split), height * width, *split.inputs.shape[3:])
        permuted[name] = flat[:, order].reshape(split.inputs.shape)
    return permuted


def _with_inputs(dataset: Dataset, inputs: dict[str, NDArray[Any]], kind: Kind) -> Dataset:
    splits = {name: replace(split, inputs=inputs[name]) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits, kind=kind)


def _one_thread() -> Any:
    """One thread for matrix products, whose last bits may depend on the number of threads."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ExtraMissing(
            "transform: threadpoolctl, which comes with scikit-learn, is not installed. It is part "
            'of an extra. Run `pip install "learnorder[train]"`.'
        ) from error
    return threadpool_limits(1, user_api="blas")


def _refuse_kind(dataset: Dataset, name: str) -> None:
    possible = ("image",) if name == "permuted-pixels" else ("image", "features")
    if dataset.kind not in possible:
        raise LearnOrderError(
            f"transform: {name!r} of {dataset.name!r}, whose inputs are {dataset.kind}. It goes "
            f"with {' and '.join(possible)}. Leave the transform out."
        )


def _refuse_size(dataset: Dataset, name: str) -> None:
    train = dataset.train.inputs
    n_values = int(np.prod(train.shape[1:]))
    if n_values > MOST_DIMENSIONS:
        raise LearnOrderError(
            f"transform: {name!r} of {dataset.name!r}, whose inputs have {n_values} values. At "
            f"most {MOST_DIMENSIONS} are possible. Use smaller images, such as by image_size."
        )
    if name == "zca" and len(train) <= n_values:
        raise LearnOrderError(
            f"transform: 'zca' of {dataset.name!r} with {len(train)} training examples of "
            f"{n_values} values. With no more examples than values, directions without any "
            "variance are blown up in other splits. Use more training examples, or 'pca'."
        )


def _refuse_epsilon(epsilon: float) -> None:
    is_number = isinstance(epsilon, int | float) and not isinstance(epsilon, bool)
    if not (is_number and 0 < epsilon < np.inf):
        raise LearnOrderError(
            f"transform: epsilon is {epsilon!r}. It is a variance above 0. The default is "
            f"{EPSILON}."
        )


def _checked_components(dataset: Dataset, components: int | None) -> int:
    train = dataset.train.inputs
    most = min(int(np.prod(train.shape[1:])), len(train) - 1)
    is_number = isinstance(components, int) and not isinstance(components, bool)
    if components is None or not (is_number and 1 <= components <= most):
        raise LearnOrderError(
            f"transform: components of 'pca' is {components!r}. {dataset.name!r} has 1 to {most}, "
            "no more than values of an input and fewer than training examples. Choose one of these."
        )
    return components
