"""How well scores find wrong labels, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

N_RESAMPLES = 400
LEVEL = 0.95


@dataclass(frozen=True)
class Judged:
    """What a score is worth; each with the ends of its 95 % interval.

    Attributes
    ----------
    auroc, average_precision, precision_at_n
        Value and interval. The last is the share of wrong labels among as many examples from the
        top as there are wrong labels.
    parts
        What the interval of a difference needs: see `Auroc`.
    """

    auroc: tuple[float, float, float]
    average_precision: tuple[float, float, float]
    precision_at_n: tuple[float, float, float]
    parts: Auroc


@dataclass(frozen=True)
class Auroc:
    """AUROC and its parts by example, delong1988comparing.

    Attributes
    ----------
    value
        Chance that a wrong label scores higher than a right one, plus half that of a tie.
    of_wrong, of_right
        The share of right labels that each wrong one is above, and of wrong ones each right one is
        below.
    """

    value: float
    of_wrong: Floats
    of_right: Floats

    def interval(self) -> tuple[float, float]:
        """95 % interval over examples, by the logit: it stays within 0 and 1."""
        se = _standard_error(self.of_wrong, self.of_right)
        inside = self.value * (1 - self.value)
        if not inside:
            return self.value, self.value
        middle, half = np.log(self.value / (1 - self.value)), _z() * se / inside
        low, high = (1 / (1 + np.exp(-(middle + sign * half))) for sign in (-1, 1))
        return float(low), float(high)

    def less(self, other: Auroc) -> tuple[float, float, float]:
        """Difference to that of another score on the same examples, with its 95 % interval."""
        se = _standard_error(self.of_wrong - other.of_wrong, self.of_right - other.of_right)
        difference = self.value - other.value
        return difference, difference - _z() * se, difference + _z() * se


def auroc(score: Floats, is_wrong: NDArray[np.bool_]) -> Auroc:
    """AUROC of a score that is high where labels are suspected."""
    ranks = stats.rankdata(score)
    n_wrong = int(is_wrong.sum())
    n_right = len(score) - n_wrong
    among_wrong = stats.rankdata(score[is_wrong])
    among_right = stats.rankdata(score[~is_wrong])
    of_wrong = (ranks[is_wrong] - among_wrong) / n_right
    of_right = 1 - (ranks[~is_wrong] - among_right) / n_wrong
    return Auroc(float(of_wrong.mean()), of_wrong, of_right)


def judge(score: Floats, is_wrong: NDArray[np.bool_]) -> Judged:
    """Judge a score that is high where labels are suspected."""
    parts = auroc(score, is_wrong)
    precision, at_n = _precisions(score, is_wrong)
    return Judged((parts.value, *parts.interval()), precision, at_n, parts)


def _precisions(
    score: Floats, is_wrong: NDArray[np.bool_]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Average precision and precision at n; intervals from resampled right and wrong examples."""
    order = np.argsort(-score, kind="stable")
    wrong = is_wrong[order]
    # a cut between equal scores is no cut
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    found, at_n = _of_weights(_weights(wrong), wrong, ends)
    lows, highs = np.quantile([found[1:], at_n[1:]], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return (
        (float(found[0]), float(lows[0]), float(highs[0])),
        (float(at_n[0]), float(lows[1]), float(highs[1])),
    )


def _weights(wrong: NDArray[np.bool_]) -> Floats:
    """``(1 + resample, example)``: once each, then how often each is drawn."""
    weights = np.ones((1 + N_RESAMPLES, len(wrong)))
    draws = _draws(int(wrong.sum()), int((~wrong).sum()))
    for group, drawn in zip((wrong, ~wrong), draws, strict=True):
        weights[1:, group] = drawn
    return weights


@lru_cache(maxsize=1)
def _draws(*sizes: int) -> list[NDArray[np.int64]]:
    """``(resample, example)`` for each group; the same for all scores of a setting."""
    random = np.random.default_rng(0)
    return [random.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES) for n in sizes]


def _of_weights(
    weights: Floats, wrong: NDArray[np.bool_], ends: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Average precision, and precision at n, for each row of weights."""
    hits = np.cumsum(weights * wrong, axis=1)[:, ends]
    drawn = np.cumsum(weights, axis=1)[:, ends]
    n_wrong = hits[:, -1:]
    precision = np.divide(hits, drawn, out=np.zeros_like(hits), where=drawn > 0)
    steps = np.diff(hits, axis=1, prepend=0) / n_wrong
    n = n_wrong[:, 0]
    # among equals that a cut goes through, wrong labels are as frequent as in all of them
    at_n = [np.interp(k, [0, *d], [0, *h]) / k for k, d, h in zip(n, drawn, hits, strict=True)]
    return (precision * steps).sum(axis=1), np.array(at_n)


def _standard_error(of_wrong: Floats, of_right: Floats) -> float:
    variance = np.var(of_wrong, ddof=1) / len(of_wrong) + np.var(of_right, ddof=1) / len(of_right)
    return float(np.sqrt(variance))


def _z() -> float:
    return float(stats.norm.ppf((1 + LEVEL) / 2))
