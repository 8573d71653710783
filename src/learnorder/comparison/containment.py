"""Does the stronger of two collections know what the weaker knows? Network by network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from learnorder.comparison.gather import (
    Answers,
    Gathered,
    Gathering,
    both_right,
    right_by_class,
    side_by_side,
)
from learnorder.measures.found import Found, with_reasons
from learnorder.measures.intervals import (
    IDENTICAL,
    Interval,
    example_component,
    means_without,
    replicate_component,
    t_interval,
    too_few,
)
from learnorder.schema import Labels, Scores


@dataclass(frozen=True, kw_only=True)
class Contained:
    """Of what a network of the weaker has right, the share that one of the stronger has right too.

    Attributes
    ----------
    accuracy_weaker, accuracy_stronger
        Mean over replicates.
    containment
        Mean of that share over pairs of networks, one of each collection, in [0, 1].
    containment_ci
        95 % interval.
    null
        The same to expect if, within each class, it were chance which examples a network has right:
        at the accuracy it has in that class.
    upper_weaker, upper_stronger
        The same between different networks of one collection: what one order gives.
    undefined
        For each attribute that is None, the reason.
    """

    accuracy_weaker: float
    accuracy_stronger: float
    containment: float | None
    containment_ci: Interval | None
    null: float | None
    upper_weaker: float | None
    upper_stronger: float | None
    undefined: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ContainedAt(Contained):
    """The same where each network stands at one level of accuracy, as `match_accuracy` says.

    Attributes
    ----------
    level
        The accuracy.
    """

    level: float


@dataclass(frozen=True, kw_only=True)
class Containment(Contained):
    """Containment at the last epoch, and along training at matched accuracy.

    Attributes
    ----------
    weaker, stronger
        Names of the collections; the weaker has the lower mean accuracy at the last epoch (of
        equals, the one that was named first).
    along
        At each level of accuracy that all replicates of all collections pass.
    """

    weaker: str
    stronger: str
    along: tuple[ContainedAt, ...] | None


@dataclass(frozen=True)
class _Known:
    """What the networks of one collection have right at one point.

    Attributes
    ----------
    name
        Of the collection.
    answers
        Example by example.
    by_class
        ``(replicate, class_id)``, examples that are right.
    right
        ``(replicate,)``, the same over all classes.
    upper
        Mean over pairs of different replicates of the share of what one has right that the other
        has right, or why there is none.
    """

    name: str
    answers: Answers
    by_class: Scores
    right: Scores
    upper: Found


def weaker_first(gathered: Mapping[str, Gathered], a: str, b: str) -> tuple[str, str]:
    """Names of a pair, the one with the lower mean accuracy at its last epoch first."""
    mean_a, mean_b = (float(gathered[name].accuracy.mean()) for name in (a, b))
    return (a, b) if mean_a <= mean_b else (b, a)


def find_containment(
    gathering: Gathering, label: Labels, shared: Mapping[tuple[str, str], str | None]
) -> dict[tuple[str, str], Containment]:
    """Containment of each pair; ``shared`` says where replicates are in both collections."""
    levels = [] if isinstance(gathering.matched, str) else gathering.matched.levels.tolist()
    sides = {pair: weaker_first(gathering.of, *pair) for pair in shared}
    along: dict[tuple[str, str], list[ContainedAt]] = {pair: [] for pair in shared}
    # Point by point: what is known by class is as large as a collection has replicates and classes.
    for point, level in enumerate(levels):
        known = _known(gathering.of, label, point)
        for pair, (weaker, stronger) in sides.items():
            found = _contained(known[weaker], known[stronger], label, point, shared[pair])
            along[pair].append(ContainedAt(**vars(found), level=level))
    known = _known(gathering.of, label, len(levels))
    at_end = {}
    for pair, (weaker, stronger) in sides.items():
        end = _contained(known[weaker], known[stronger], label, len(levels), shared[pair])
        reasons = {} if levels else {"along": str(gathering.matched)}
        fields = {**vars(end), "undefined": {**end.undefined, **reasons}}
        rows = tuple(along[pair]) if levels else None
        at_end[pair] = Containment(**fields, weaker=weaker, stronger=stronger, along=rows)
    return at_end


def _known(gathered: Mapping[str, Gathered], label: Labels, point: int) -> dict[str, _Known]:
    """What each collection knows at a point."""
    found = {}
    for name, kept in gathered.items():
        by_class = right_by_class(kept.answers, label, kept.split.n_classes, point)
        right: Scores = by_class.sum(axis=1)
        upper = _upper(name, right, both_right(kept.answers, kept.answers, point))
        found[name] = _Known(name, kept.answers, by_class, right, upper)
    return found


def _upper(name: str, right: Scores, both: Scores) -> Found:
    """Containment between different replicates of one collection, or why there is none."""
    if len(right) < 2:
        return f"{name!r} has 1 replicate: no pair within it"
    if not right.all():
        return _nothing(name)
    share = both / right[:, np.newaxis]
    return float(share[~np.eye(len(share), dtype=bool)].mean())


def _nothing(name: str) -> str:
    return f"a replicate of {name!r} has no example right: nothing to contain"


def _contained(
    weaker: _Known, stronger: _Known, label: Labels, point: int, shared: str | None
) -> Contained:
    found: dict[str, Found | Interval] = {
        "upper_weaker": weaker.upper,
        "upper_stronger": stronger.upper,
    }
    if weaker.right.all():
        own = weaker.right[:, np.newaxis]
        share = both_right(weaker.answers, stronger.answers, point) / own
        size = np.maximum(np.bincount(label, minlength=weaker.by_class.shape[1]), 1)
        found["containment"] = shared or float(share.mean())
        found["null"] = float((weaker.by_class / size @ stronger.by_class.T / own).mean())
        found["containment_ci"] = shared or _interval(weaker, stronger, share, point)
    else:
        names = ("containment", "null", "containment_ci")
        found |= dict.fromkeys(names, _nothing(weaker.name))
    return Contained(
        accuracy_weaker=float(weaker.right.mean()) / len(label),
        accuracy_stronger=float(stronger.right.mean()) / len(label),
        **with_reasons(found),
    )


def _interval(weaker: _Known, stronger: _Known, share: Scores, point: int) -> Interval | str:
    """Interval of the mean share, built on its logit, so that it stays within (0, 1)."""
    from scipy.special import expit, logit

    n_examples = weaker.answers.table.n_examples
    reasons = (too_few(n, n_examples) for n in share.shape)
    reason = next(filter(None, reasons), None)
    if reason:
        return reason
    value = float(share.mean())
    slope = value * (1 - value)
    if slope < IDENTICAL:
        return f"containment is {value:.0f} for every pair of networks: no spread to estimate"
    of_weaker, of_stronger = _cells(weaker, stronger, share, point)
    components = [
        replicate_component(means_without(share.mean(axis=1)), of_weaker),
        replicate_component(means_without(share.mean(axis=0)), of_stronger),
        example_component(_influences(weaker, stronger, share, point)),
    ]
    interval = t_interval(float(logit(value)), components, min(share.shape), slope=slope)
    if isinstance(interval, str):
        return interval
    low, high = expit(interval).tolist()
    return low, high


def _cells(weaker: _Known, stronger: _Known, share: Scores, point: int) -> tuple[float, float]:
    """Jackknife variance of the mean share from what belongs to a replicate and an example."""
    of_weaker = of_stronger = 0.0
    own_share = share.mean(axis=1, keepdims=True)
    for right_a, right_b in side_by_side(weaker.answers, stronger.answers, point):
        known = right_a / weaker.right[:, np.newaxis]
        by_weaker = known * (right_b.mean(axis=0, dtype=np.float64) - own_share)
        of_weaker += float(by_weaker.var(axis=0).sum())
        by_stronger = known.mean(axis=0) ** 2 @ right_b.var(axis=0, dtype=np.float64)
        of_stronger += float(by_stronger)
    n_a, n_b = (max(n - 1, 1) for n in share.shape)
    return of_weaker / n_a, of_stronger / n_b


def _influences(weaker: _Known, stronger: _Known, share: Scores, point: int) -> Iterator[Scores]:
    """Influence of examples on the mean share, block by block.

    Of a pair it is what the weaker's network has right there, over all it has right: times what the
    stronger's has right there less their share.
    """
    weight = weaker.answers.table.n_examples / (len(weaker.right) * weaker.right)
    expected = weight * share.mean(axis=1)
    for right_a, right_b in side_by_side(weaker.answers, stronger.answers, point):
        influence: Scores = (weight @ right_a) * right_b.mean(axis=0, dtype=np.float64)
        influence -= expected @ right_a
        yield influence
