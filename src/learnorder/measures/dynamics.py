"""Training dynamics of the label: what its recorded probability, margin and error norm say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby

import numpy as np
import xarray as xr
from scipy.special import entr

from learnorder.errors import LearnOrderError
from learnorder.measures.of_label import LabelTile, check_quantity, label_tiles, mean_of, used
from learnorder.measures.order import equal_weights
from learnorder.measures.split import Split, labelled, read_split, trained_epochs
from learnorder.schema import EPOCH, ERROR_NORM, EXAMPLE, MARGIN, PROBABILITY, Halves, Scores

COLUMN_BYTES = 128 << 20
"""Sums of all replicates over epochs that are held at once."""


def confidence(log: xr.Dataset) -> xr.DataArray:
    r"""Mean probability of the label over replicates and recorded epochs > 0.

    .. math:: \hat\mu(x) = \frac{1}{RE} \sum_{r, e > 0} p_{r,e}(x)

    with p the softmax probability that replicate r gives to the label of x after epoch e. Near 1:
    every network is sure of the label, early. Near 0: sure of another class, or late. High means
    easy. It is `accessibility` with ``of="probability"``, under the name it has in the literature.

    In the log p is rounded to half precision, which moves the value by at most 0.00025.

    Parameters
    ----------
    log
        One split of a log, with labels and probabilities.

    Returns
    -------
    ``(example,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        No probabilities, no labels, no epoch > 0, or a probability was not recorded.

    References
    ----------
    swayamdipta2020cartography

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0], [1]]], labels=[1], probabilities=[[[0.25], [0.75]]])
    >>> confidence(log).values, variability(log).values, aleatoric(log).values
    (array([0.5]), array([0.25]), array([0.1875]))
    """
    split, weight = _asked(log, "confidence", PROBABILITY)
    return labelled(log, "confidence", mean_of(split, PROBABILITY, weight), EXAMPLE)


def variability(log: xr.Dataset) -> xr.DataArray:
    r"""Standard deviation of the probability of the label over recorded epochs > 0.

    .. math::

        \hat\sigma(x) = \frac{1}{R} \sum_r \sqrt{\frac{1}{E} \sum_{e > 0}
        \left(p_{r,e}(x) - \bar p_r(x)\right)^2}

    Of one network it is the definition of the source: over epochs, divided by E. It is taken for
    each replicate and then averaged, so that differences between replicates do not enter. 0: the
    probability never changes. 0.5: it is 0 at half of the epochs and 1 at the others. High values
    are called ambiguous; an example that is learned late is among them, so neither easy nor hard
    follows. With one epoch it is 0 everywhere, which says nothing.

    In the log p is rounded to half precision, which moves the value by at most 0.00025.

    Parameters
    ----------
    log
        One split of a log, with labels and probabilities.

    Returns
    -------
    ``(example,)`` in [0, 0.5].

    Raises
    ------
    LearnOrderError
        No probabilities, no labels, no epoch > 0, or a probability was not recorded.

    References
    ----------
    swayamdipta2020cartography
    """
    split, weight = _asked(log, "variability", PROBABILITY)
    return labelled(log, "variability", _mean_deviation(split, weight), EXAMPLE)


def aleatoric(log: xr.Dataset) -> xr.DataArray:
    r"""Mean of p (1 - p) over replicates and recorded epochs > 0, p the probability of the label.

    .. math:: v(x) = \frac{1}{RE} \sum_{r, e > 0} p_{r,e}(x) \, (1 - p_{r,e}(x))

    Data-IQ's aleatoric uncertainty. 0: networks are always sure, of the label or of another class.
    0.25: the label always has a probability of 1/2. So it does not tell right from wrong: read it
    beside `confidence`.

    In the log p is rounded to half precision, which moves the value by at most 0.00025.

    Parameters
    ----------
    log
        One split of a log, with labels and probabilities.

    Returns
    -------
    ``(example,)`` in [0, 0.25].

    Raises
    ------
    LearnOrderError
        No probabilities, no labels, no epoch > 0, or a probability was not recorded.

    References
    ----------
    seedat2022dataiq
    """
    split, weight = _asked(log, "aleatoric", PROBABILITY)
    return labelled(log, "aleatoric", mean_of(split, PROBABILITY, weight, _spread), EXAMPLE)


def aum(log: xr.Dataset) -> xr.DataArray:
    r"""Area under the margin: mean margin over replicates and recorded epochs > 0.

    .. math:: M(x) = \frac{1}{RE} \sum_{r, e > 0}
        \left(z_{r,e,y(x)}(x) - \max_{k \ne y(x)} z_{r,e,k}(x)\right)

    The margin is that of logits z, not of probabilities, as in the source. Above 0: the label wins
    on average; below 0: another class does, as for many a wrong label. High means easy. There are
    no bounds, and its scale is that of the logits: compare its order, not its size, across
    architectures. Unlike in the authors' code, logits are those of the network in eval mode, of all
    examples at the same recorded points.

    In the log margins are rounded to half precision, each by at most 1/2048 of its size.

    Parameters
    ----------
    log
        One split of a log, with labels and margins.

    Returns
    -------
    ``(example,)``, any number.

    Raises
    ------
    LearnOrderError
        No margins, no labels, no epoch > 0, a margin was not recorded, or one is beyond half
        precision (above 65504 or below -65504), as every margin is where there is one class only.

    References
    ----------
    pleiss2020aum

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[1, 0], [1, 1]]], labels=[1, 1], margins=[[[3.0, -1.0], [5.0, 0.5]]])
    >>> aum(log).values
    array([ 4.  , -0.25])
    """
    split, weight = _asked(log, "aum", MARGIN)
    return labelled(log, "aum", mean_of(split, MARGIN, weight), EXAMPLE)


def el2n(log: xr.Dataset, epochs: float | Sequence[float] | None = None) -> xr.DataArray:
    r"""Mean norm of the error vector over replicates, at the epochs given.

    .. math:: E(x) = \frac{1}{R |T|} \sum_{r, e \in T}
        \left\lVert \mathbf{p}_{r,e}(x) - \mathrm{onehot}(y(x)) \right\rVert_2

    with the probabilities of all classes. The source takes one early epoch, and the mean over
    several networks: give that epoch as ``epochs``. Without ``epochs``, T is all recorded epochs >
    0, which is another score. 0: all probability on the label. The square root of 2: all of it on
    one other class. High means hard.

    In the log norms are rounded to half precision, which moves the value by at most 0.0005.

    Parameters
    ----------
    log
        One split of a log, with labels and error norms.
    epochs
        Recorded epochs that count, each once.

    Returns
    -------
    ``(example,)`` in [0, sqrt 2].

    Raises
    ------
    LearnOrderError
        No error norms, no labels, an epoch that was not recorded, none that counts, or an error
        norm was not recorded.

    References
    ----------
    paul2021diet

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0], [1]]], labels=[1], error_norms=[[[1.25], [0.25]]])
    >>> el2n(log).values, el2n(log, epochs=1).values
    (array([0.75]), array([1.25]))
    """
    if epochs is None:
        split, weight = _asked(log, "el2n", ERROR_NORM)
    else:
        split = read_split(log, "el2n")
        check_quantity(split, ERROR_NORM)
        given = np.asarray(epochs)
        if given.dtype.kind not in "iuf":
            raise LearnOrderError(
                f"{split.caller}: epochs are {epochs!r}. They are numbers, recorded epochs of the "
                f"log: {', '.join(f'{e:g}' for e in split.epochs)}. Give one or more of these."
            )
        weight = _at(split, np.unique(given.astype(np.float64)))
    return labelled(log, "el2n", mean_of(split, ERROR_NORM, weight), EXAMPLE)


def jensen_shannon_label(log: xr.Dataset) -> xr.DataArray:
    r"""Jensen-Shannon divergence between replicates on label or not, after each epoch, in bits.

    .. math:: J(e, x) = H\!\left(\frac{1}{R} \sum_r p_{r,e}(x)\right)
        - \frac{1}{R} \sum_r H(p_{r,e}(x)), \quad
        H(p) = -p \log_2 p - (1 - p) \log_2 (1 - p)

    It is that of the distributions over two outcomes, the label or any other class, which is what a
    log knows of the probabilities. The divergence between the distributions over all classes is at
    least as large, since lumping classes together cannot tell replicates further apart (the
    data-processing inequality); with two classes both are the same. Networks that are sure of
    different wrong classes do not differ here.

    0: all replicates give the label the same probability. 1: half of them are sure of it, half of
    another class. Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate.

    In the log p is rounded to half precision. At probabilities near 1 that can move the value by
    0.003.

    Parameters
    ----------
    log
        One split of a log, with labels and probabilities.

    Returns
    -------
    ``(epoch, example)`` in [0, 1], 8 bytes each.

    Raises
    ------
    LearnOrderError
        No probabilities, no labels, or a probability was not recorded.

    References
    ----------
    lin1991divergence

    Examples
    --------
    >>> import learnorder as lo
    >>> chances = [[[0.5, 1.0]], [[0.5, 0.0]]]
    >>> log = lo.from_arrays([[[0, 0]], [[0, 1]]], labels=[0, 0], probabilities=chances)
    >>> jensen_shannon_label(log).values
    array([[0., 1.]])
    """
    split = read_split(log, "jensen_shannon_label")
    check_quantity(split, PROBABILITY)
    values = np.empty((split.n_epochs, split.n_examples))
    for tile in label_tiles(split, PROBABILITY):
        for row, at_epoch in zip(values[tile.epochs], tile.by_epoch, strict=True):
            row[tile.examples] = _divergence(at_epoch)
    undefined: dict[float, str] = {}
    if split.n_replicates < 2:
        values[:] = np.nan
        reason = "a divergence compares replicates; there is 1 replicate"
        undefined = {float(epoch): reason for epoch in split.epochs}
    return labelled(log, "jensen_shannon_label", values, EPOCH, EXAMPLE, undefined=undefined)


def _asked(log: xr.Dataset, caller: str, quantity: str) -> tuple[Split, Scores]:
    """The split, with this quantity, and the weights of its epochs: 1, and 0 for epoch 0."""
    split = read_split(log, caller)
    check_quantity(split, quantity)
    trained_epochs(split, "Only epochs > 0 count.")
    return split, equal_weights(split)


def _at(split: Split, epochs: Scores) -> Scores:
    """Weights of the epochs of a split: 1 for those given."""
    missing = epochs[~np.isin(epochs, split.epochs)]
    if not len(epochs) or len(missing):
        what = f"epoch {missing[0]:g} was not recorded" if len(missing) else "no epoch is given"
        raise LearnOrderError(
            f"{split.caller}: {what}. Recorded are {', '.join(f'{e:g}' for e in split.epochs)}. "
            "Give some of these."
        )
    weights: Scores = np.isin(split.epochs, epochs).astype(np.float64)
    return weights


def _spread(p: Scores) -> Scores:
    return p * (1 - p)


def _mean_deviation(split: Split, weight: Scores) -> Scores:
    """Deviation over the epochs that count, mean over replicates."""
    n, mean = weight.sum(), np.empty(split.n_examples)
    for examples, tiles in _columns(split, weight):
        sums, squares = np.zeros((2, split.n_replicates, examples.stop - examples.start))
        for tile in tiles:
            for w, at_epoch in zip(weight[tile.epochs], tile.by_epoch, strict=True):
                if not w:
                    continue
                for r, of_replicate in enumerate(at_epoch):
                    p = of_replicate.astype(np.float64)
                    sums[r] += p
                    squares[r] += p * p
        total = np.zeros(sums.shape[1])
        for s, q in zip(sums, squares, strict=True):
            # Of half floats that do not change these are exact, so that the deviation is 0.
            total += np.sqrt(np.maximum(n * q - s * s, 0))
        mean[examples] = total / (n * split.n_replicates)
    return mean


def _columns(split: Split, weight: Scores) -> Iterator[tuple[slice, Iterator[LabelTile]]]:
    """Tiles of the epochs that count, by examples; sums of a column fit into memory."""
    most = max(1, COLUMN_BYTES // (2 * 8 * split.n_replicates))
    tiles = label_tiles(split, PROBABILITY, used(weight), most)
    return groupby(tiles, key=lambda tile: tile.examples)


def _divergence(chances: Halves) -> Scores:
    """Entropy of the mean less the mean entropy of ``(replicate, example)``, in bits."""
    mean, entropy, found = np.zeros((3, chances.shape[1]))
    for of_replicate in chances:
        mean += of_replicate
        # "clip" only spares looking whether a place is there: all are
        entropy += np.take(_entropies(), of_replicate.view(np.uint16), out=found, mode="clip")
    # never below 0, but for rounding
    return np.maximum(_entropy(mean / len(chances)) - entropy / len(chances), 0)


@cache
def _entropies() -> Scores:
    """Entropy of each half float by its bits: to look it up is ten times as fast."""
    every = np.arange(1 << 16).astype(np.uint16).view(np.float16).astype(np.float64)
    return _entropy(np.where((every >= 0) & (every <= 1), every, 0))


def _entropy(p: Scores) -> Scores:
    """Entropy of two outcomes in bits."""
    bits: Scores = (entr(p) + entr(1 - p)) / np.log(2)
    return bits
