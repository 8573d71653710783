"""Does the stronger of two collections go on to learn more? Looked at when training has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from learnorder.comparison.gather import Gathered, side_by_side
from learnorder.measures.found import Found, with_reasons
from learnorder.measures.intervals import (
    Interval,
    example_component,
    means_without,
    replicate_component,
    t_interval,
    too_few,
)
from learnorder.schema import Scores


@dataclass(frozen=True, kw_only=True)
class LateGains:
    """What the stronger collection knows at its end beyond the weaker.

    A higher accuracy alone does not say that anything new was learned: the stronger may only be
    surer of what single networks of the weaker know by chance. So one network of the weaker is left
    out; of the examples that none of its other networks has right, ``learned`` is the share that
    the stronger's networks have right, and ``learned_reference`` the share that the network left
    out has right. The examples are chosen without either, so both shares are the same on average if
    the stronger's networks are like the weaker's. All networks are left out in turn, and counts are
    added up.

    Attributes
    ----------
    weaker, stronger
        Names of the collections, as in `Containment`.
    accuracy_gain
        Mean accuracy of the stronger at its last epoch less that of the weaker: never negative,
        since that is how they are told apart.
    accuracy_gain_ci
        95 % interval; where it holds 0 it is not known which is the stronger.
    n_missed
        Examples that no network of the weaker has right at its last epoch.
    learned, learned_reference
        As above, in [0, 1].
    learned_gain
        ``learned - learned_reference``. Above 0: of what all other networks of the weaker miss, the
        stronger knows more than one more of the weaker would. 0: it does not.
    learned_gain_ci
        95 % interval.
    undefined
        For each attribute that is None, the reason.
    """

    weaker: str
    stronger: str
    accuracy_gain: float
    accuracy_gain_ci: Interval | None
    n_missed: int
    learned: float | None
    learned_reference: float | None
    learned_gain: float | None
    learned_gain_ci: Interval | None
    undefined: dict[str, str] = field(default_factory=dict)


def find_late_gains(
    weaker: tuple[str, Gathered], stronger: tuple[str, Gathered], shared: str | None = None
) -> LateGains:
    """Late gains of a pair; ``shared`` says which replicates are in both collections."""
    a, b = weaker[1], stronger[1]
    gain = float(b.accuracy.mean() - a.accuracy.mean())
    n_examples = a.split.n_examples
    shapes = [(side.split.n_replicates, n_examples) for side in (a, b)]
    reason = shared or next(filter(None, (too_few(*shape) for shape in shapes)), None)
    missed = _Missed.count(a, b)
    found: dict[str, Found | Interval] = {
        "accuracy_gain_ci": reason or _accuracy_interval(a, b, gain)
    }
    none = shared or _no_gain(weaker[0], missed)
    names = ("learned", "learned_reference", "learned_gain")
    if none:
        found |= dict.fromkeys((*names, "learned_gain_ci"), none)
    else:
        found |= dict(zip(names, missed.shares(), strict=True))
        found["learned_gain_ci"] = reason or _learned_interval(a, b, missed)
    return LateGains(
        weaker=weaker[0],
        stronger=stronger[0],
        accuracy_gain=gain,
        n_missed=int(missed.size[0]),
        **with_reasons(found),
    )


@dataclass(frozen=True)
class _Missed:
    """Examples that at most two of the weaker's networks have right, counted.

    Attributes
    ----------
    size, learned
        ``(3,)``: examples that none, one, two of them have right, and the sum over these of the
        share of the stronger's networks that do.
    own_size, own_learned
        ``(2, replicate)``: the same of those that one, and that two, of which a replicate of the
        weaker is one, have right.
    by_stronger
        ``(2, replicate)``: examples that none, and that one, of the weaker's has right and a
        replicate of the stronger has.
    """

    size: Scores
    learned: Scores
    own_size: Scores
    own_learned: Scores
    by_stronger: Scores

    @classmethod
    def count(cls, a: Gathered, b: Gathered) -> _Missed:
        """Count them, block by block."""
        n_a, n_b = a.split.n_replicates, b.split.n_replicates
        size, learned = np.zeros(3), np.zeros(3)
        own_size, own_learned = np.zeros((2, n_a)), np.zeros((2, n_a))
        by_stronger = np.zeros((2, n_b))
        for right_a, right_b in _at_end(a, b):
            n_right, share = right_a.sum(axis=0), right_b.mean(axis=0)
            among = [n_right == k for k in range(3)]
            size += [m.sum() for m in among]
            learned += [share[m].sum() for m in among]
            for i in range(2):
                own_size[i] += right_a @ among[i + 1]
                own_learned[i] += right_a @ (share * among[i + 1])
                by_stronger[i] += right_b @ among[i]
        return cls(size, learned, own_size, own_learned, by_stronger)

    @property
    def n_replicates(self) -> int:
        """Replicates of the weaker."""
        return int(self.own_size.shape[1])

    def total(self) -> float:
        """Examples that the others have not right, over all networks left out."""
        return float(self.n_replicates * self.size[0] + self.size[1])

    def shares(self) -> tuple[float, float, float]:
        """What the stronger and the network left out have right of these, and the difference."""
        learned = (self.n_replicates * self.learned[0] + self.learned[1]) / self.total()
        reference = self.size[1] / self.total()
        return float(learned), float(reference), float(learned - reference)

    def gain_without_weaker(self) -> Scores:
        """The difference without each replicate of the weaker."""
        n = self.n_replicates - 1
        none, one = self.size[0] + self.own_size[0], self.size[1] - self.own_size[0]
        one += self.own_size[1]
        learned = n * (self.learned[0] + self.own_learned[0])
        learned += self.learned[1] - self.own_learned[0] + self.own_learned[1]
        gain: Scores = (learned - one) / (n * none + one)
        return gain

    def gain_without_stronger(self) -> Scores:
        """The difference without each replicate of the stronger."""
        by_one = self.n_replicates * self.by_stronger[0] + self.by_stronger[1]
        gain: Scores = (means_without(by_one) - self.size[1]) / self.total()
        return gain


def _no_gain(weaker: str, missed: _Missed) -> str | None:
    """Reason why there is nothing to be learned beyond the weaker, or None."""
    if missed.n_replicates < 2:
        return f"{weaker!r} has 1 replicate: none is left when it is left out"
    if missed.total() == 0:
        return f"even without one replicate of {weaker!r}, the others miss no example together"
    return None


def _accuracy_interval(a: Gathered, b: Gathered, gain: float) -> Interval | str:
    def influences() -> Iterator[Scores]:
        for right_a, right_b in _at_end(a, b):
            yield right_b.mean(axis=0) - right_a.mean(axis=0) - gain

    cells = np.zeros(2)
    for sides in _at_end(a, b):
        cells += [_squared_deviations(right).sum() for right in sides]
    cells /= a.split.n_examples**2
    # Without each replicate, the mean of the others; what is constant beside it does not matter.
    replicates = [
        replicate_component(means_without(side.accuracy), of_cells)
        for side, of_cells in zip((a, b), cells, strict=True)
    ]
    fewest = min(a.split.n_replicates, b.split.n_replicates)
    return t_interval(gain, [*replicates, example_component(influences())], fewest)


def _learned_interval(a: Gathered, b: Gathered, missed: _Missed) -> Interval | str:
    *_, gain = missed.shares()

    def influences() -> Iterator[Scores]:
        scale = a.split.n_examples / missed.total()
        for right_a, right_b in _at_end(a, b):
            n_right, share = right_a.sum(axis=0), right_b.mean(axis=0)
            weight = np.where(n_right == 0, missed.n_replicates, n_right == 1)
            yield scale * (weight * (share - gain) - (n_right == 1))

    of_weaker, of_stronger = _cells_of_learned(a, b, missed)
    components = [
        replicate_component(missed.gain_without_weaker(), of_weaker),
        replicate_component(missed.gain_without_stronger(), of_stronger),
        example_component(influences()),
    ]
    return t_interval(gain, components, min(a.split.n_replicates, b.split.n_replicates))


def _cells_of_learned(a: Gathered, b: Gathered, missed: _Missed) -> tuple[float, float]:
    """Jackknife variance of the gain from what belongs to one replicate and one example together.

    For the weaker: how what an example adds to the gain changes with the replicate left out, which
    it does where one or two of them have it right.
    """
    *_, gain = missed.shares()
    n, total = missed.n_replicates, missed.total()
    of_weaker = of_stronger = 0.0
    for right_a, right_b in _at_end(a, b):
        n_right, share = right_a.sum(axis=0), right_b.mean(axis=0)
        weight = np.where(n_right == 0, n, n_right == 1)
        of_stronger += float(weight**2 @ _squared_deviations(right_b))
        by_none, by_one = (n - 1) * (share - gain), share - gain - 1
        squares = np.where(n_right == 1, (n - 1) / n * (by_none - by_one) ** 2, 0)
        squares += np.where(n_right == 2, 2 * (n - 2) / n * by_one**2, 0)
        of_weaker += float(squares.sum())
    without = total * (n - 1) / n
    return (n - 1) / n * of_weaker / without**2, of_stronger / total**2


def _squared_deviations(right: Scores) -> Scores:
    """Jackknife variance of the mean over replicates of ``(replicate, example)``, by example."""
    squares: Scores = right.var(axis=0) / (len(right) - 1)
    return squares


def _at_end(a: Gathered, b: Gathered) -> Iterator[tuple[Scores, Scores]]:
    """Whether replicates are right at the last epoch, ``(replicate, example)``, by blocks."""
    end = a.answers.n_points - 1  # of both: they stand at the same levels
    for right_a, right_b in side_by_side(a.answers, b.answers, end):
        yield right_a.astype(np.float64), right_b.astype(np.float64)
