"""How a collection votes as an ensemble: diversity and shared failure, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from learnorder.measures import diversity
from learnorder.measures.agreement import per_epoch
from learnorder.measures.split import labelled, read_split
from learnorder.measures.sweep import RightCounts, sweep, sweep_counts
from learnorder.measures.votes import Unanimous, VoteEntropy
from learnorder.schema import EPOCH, EXAMPLE


def vote_entropy(log: xr.Dataset) -> xr.DataArray:
    r"""Entropy of the classes that replicates predict for each example, after each epoch.

    .. math:: H(e, x) = - \sum_k v_k \log v_k, \quad v_k = \frac{1}{R} \sum_r [P_{r,e}(x) = k]

    with the natural logarithm: in nats, not normalised. 0: all replicates give the same answer. The
    largest value possible is log(min(R, classes)), where votes are spread evenly. It grows with R,
    so compare it at equal R. With one replicate it is 0, which says nothing. Votes that fall alike
    have the same entropy to the last bit, so ties are ties. Labels are not needed.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch, example)`` in [0, log(min(R, classes))], 8 bytes each.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    dagan1995committee

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[1, 1]], [[0, 1]]], [1, 1])
    >>> vote_entropy(log).values.round(3)
    array([[0.693, 0.   ]])
    """
    split = read_split(log, "vote_entropy", labels=False)
    found = VoteEntropy(split)
    sweep(split, found)
    return labelled(log, "vote_entropy", found.entropy, EPOCH, EXAMPLE)


def ambiguity(log: xr.Dataset) -> xr.DataArray:
    r"""Share of examples on which some replicate disagrees with a reference, after each epoch.

    .. math:: \alpha(e) = \frac{1}{n} \sum_x [\exists r : P_{r,e}(x) \ne P_{0,e}(x)]

    Marx et al. take a reference model and all models about as good as it. Here the set is all
    replicates, and any of them may be the reference: if one differs from it the votes are not
    unanimous, and if they are not, then for any reference there is one that differs. So it does not
    depend on the reference, and is one minus the share of examples with a unanimous vote, right or
    wrong.

    0: all replicates give the same answers. 1: they are unanimous on no example. It grows with R,
    so compare it at equal R. With one replicate it is 0, which says nothing. Labels are not needed.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    marx2020multiplicity
    """
    split = read_split(log, "ambiguity", labels=False)
    found = Unanimous(split)
    sweep(split, found)
    values = (split.n_examples - found.count) / split.n_examples
    return labelled(log, "ambiguity", values, EPOCH)


def difficulty(log: xr.Dataset) -> xr.DataArray:
    r"""Variance of TP-agreement over examples, after each epoch.

    .. math:: \theta(e) = \frac{1}{n} \sum_x (p(x) - \bar p)^2, \quad p(x) = TP(e, x)

    0: every example is right in equally many replicates, so that no example is harder than another.
    At most mean p (1 - mean p), and 1/4: where each example is known to all or to none. With one
    replicate it is always that. It depends on accuracy: `fleiss_kappa` and this are related by
    `kohavi_wolpert` = mean p (1 - mean p) - theta.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1/4]; higher is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    hansen1990ensembles, kuncheva2003diversity
    """
    return _of_counts(log, "difficulty", diversity.variance)


def kohavi_wolpert(log: xr.Dataset) -> xr.DataArray:
    r"""Kohavi-Wolpert variance of correctness, the mean of p (1 - p), after each epoch.

    .. math:: KW(e) = \frac{1}{n} \sum_x p(x) (1 - p(x)), \quad p(x) = TP(e, x)

    Kohavi and Wolpert's variance of a prediction, with the two outcomes right and wrong (Kuncheva
    and Whitaker). 0: on each example, all replicates are right or all are wrong. 1/4: half of them
    are right on each. The share of pairs of different replicates of which just one is right is 2R /
    (R - 1) times this. With one replicate it is 0, which says nothing.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1/4]; lower is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    kohavi1996bias, kuncheva2003diversity
    """
    return _of_counts(log, "kohavi_wolpert", diversity.mean_variance)


def kuncheva_entropy(log: xr.Dataset) -> xr.DataArray:
    r"""Entropy measure E of Kuncheva and Whitaker, after each epoch.

    .. math:: E(e) = \frac{1}{n} \sum_x \frac{\min(c, R - c)}{R - \lceil R/2 \rceil},
       \quad c(x) = R \, TP(e, x)

    0: on each example, all replicates are right or all are wrong. 1: on each they are split in
    halves, as nearly as R allows. It has no logarithm: `vote_entropy` is another quantity.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate: 0/0.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1]; lower is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    kuncheva2003diversity
    """
    return _of_counts(log, "kuncheva_entropy", diversity.minority)


def generalised_diversity(log: xr.Dataset) -> xr.DataArray:
    r"""Chance that, where one replicate fails, a second one does not, after each epoch.

    .. math:: GD(e) = 1 - \frac{\sum_x w (w - 1)}{(R - 1) \sum_x w}, \quad w(x) = R (1 - TP(e, x))

    which is one minus the chance that two different replicates, drawn at random, both fail, over
    the chance that one does. 0: where one fails all do. 1: no two fail on the same example.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate, and where every
    replicate is right on every example: 0/0.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1]; lower is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    partridge1997diversity, kuncheva2003diversity
    """
    return _of_counts(log, "generalised_diversity", diversity.generalised)


def coincident_failure_diversity(log: xr.Dataset) -> xr.DataArray:
    r"""How few replicates fail together on the examples on which any fails, after each epoch.

    .. math:: CFD(e) = \frac{1}{n_w} \sum_{x : w > 0} \frac{R - w}{R - 1},
       \quad w(x) = R (1 - TP(e, x))

    with :math:`n_w` the number of examples on which a replicate fails. 0: where one fails all do.
    1: no two fail on the same example. `generalised_diversity` weights an example by the number of
    its failures; here each counts once.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate, and where every
    replicate is right on every example. The literature sets it to 0 there; but a collection without
    failures says nothing about whether they would coincide.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1]; lower is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    partridge1997diversity, kuncheva2003diversity
    """
    return _of_counts(log, "coincident_failure_diversity", diversity.coincident)


def trivial_share(log: xr.Dataset) -> xr.DataArray:
    """Share of examples that every replicate classifies correctly, after each epoch.

    1: all examples are trivial. 0: none is. It falls as R grows, so compare it at equal R. With one
    replicate it is the accuracy.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1], at most the lowest accuracy of a replicate; higher is easier.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    meding2022trivial
    """
    return _of_counts(log, "trivial_share", diversity.all_right)


def impossible_share(log: xr.Dataset) -> xr.DataArray:
    """Share of examples that no replicate classifies correctly, after each epoch.

    0: each example is right in some replicate. 1: no replicate is right on any. It falls as R
    grows, so compare it at equal R. With one replicate it is one minus the accuracy.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1], at most the lowest error of a replicate; lower is easier.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    meding2022trivial
    """
    return _of_counts(log, "impossible_share", diversity.none_right)


def jaccard_correct(log: xr.Dataset) -> xr.DataArray:
    r"""Examples that all replicates have right, as a share of those that any has, by epoch.

    .. math:: J(e) = \frac{|\bigcap_r \{x : P_{r,e}(x) = y(x)\}|}
       {|\bigcup_r \{x : P_{r,e}(x) = y(x)\}|}

    The Jaccard index of the sets of examples that replicates have right. Elsewhere it is called "TP
    agreement" too: it is not `tp_agreement`, which is a share of replicates for each example. 1:
    all replicates are right on the same examples. 0: no example is right in all. It falls as R
    grows, so compare it at equal R. With one replicate it is 1 wherever it is defined.

    Undefined, NaN with the reason in ``attrs["undefined"]``, where no replicate is right on any
    example: 0/0.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1]; higher is more alike.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    jaccard1912
    """
    return _of_counts(log, "jaccard_correct", diversity.all_of_any_right)


def _of_counts(
    log: xr.Dataset, name: str, measure: Callable[[diversity.Histogram], float | str]
) -> xr.DataArray:
    """Measure each epoch by how many replicates are right on how many examples."""
    split = read_split(log, name)
    found = RightCounts(split)
    sweep_counts(split, found)
    values, undefined = per_epoch(split, map(measure, found.histogram))
    return labelled(log, name, values, EPOCH, undefined=undefined)
