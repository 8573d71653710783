"""How much of the order is trivial: what class and simple baselines of the data explain of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.measures.found import Found, plain, with_reasons
from learnorder.measures.intervals import Interval
from learnorder.measures.moments import Deviations, deviations
from learnorder.measures.order import NO_DIFFERENCE, replicate_scores, weighted
from learnorder.measures.ranks import Ranks, centred_ranks, rank_correlation
from learnorder.measures.residuals import (
    Residuals,
    baseline_ranks,
    centred_terms,
    orthonormal,
    products,
    rank_terms,
    residuals,
)
from learnorder.measures.scores import ScoreTable
from learnorder.measures.shares import (
    Part,
    correlation,
    correlation_interval,
    explained_share,
    r_squared,
    share_interval,
)
from learnorder.notebook import as_html
from learnorder.schema import BASELINE, EXAMPLE, ROLE, Labels, Scores

QUANTITIES = ("pearson", "pearson_ci", "spearman", "r_squared", "share", "share_ci")
"""What is found of a baseline."""

NO_BASELINES = (
    "the split has no baselines; a log has them that `train` created, "
    "and `from_arrays` takes others as `baselines`"
)


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of an order is explained.

    Attributes
    ----------
    r_squared
        Adjusted R^2 of mean accessibility: of the order as observed, noise included.
    share
        Share of the shared order, which other replicates would show again: at most 1 but for
        chance, at least 0 but for chance; never clipped.
    share_ci
        95 % interval of ``share``.
    undefined
        For each attribute that is None, the reason.
    """

    r_squared: float | None
    share: float | None
    share_ci: Interval | None
    undefined: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Association(Share):
    """How one baseline goes with an order.

    Attributes
    ----------
    pearson
        Correlation with mean accessibility, in [-1, 1].
    pearson_ci
        95 % interval of ``pearson``, for means over as many replicates.
    spearman
        The same of ranks, ties averaged. Within class: ranks within each class, as a share of it.
    """

    pearson: float | None
    pearson_ci: Interval | None
    spearman: float | None


@dataclass(frozen=True, kw_only=True)
class Baseline(Association):
    """One baseline alone, beside the whole order and beside the order within classes.

    Attributes
    ----------
    name
        Of the baseline.
    within_class
        The same after centring each class.
    """

    name: str
    within_class: Association


@dataclass(frozen=True, kw_only=True)
class Together(Share):
    """Class and all baselines together; within class, the baselines together.

    Attributes
    ----------
    within_class
        Of the order within classes.
    """

    within_class: Share


@dataclass(frozen=True, kw_only=True)
class Explained:
    """How much of the order class and baselines explain.

    Attributes
    ----------
    n_replicates, n_examples
        What the numbers rest on.
    by_class
        Class alone.
    baselines
        Each baseline alone.
    together
        Class and all baselines; None where there is none but class.
    undefined
        The reason for that.
    """

    n_replicates: int
    n_examples: int
    by_class: Share
    baselines: tuple[Baseline, ...]
    together: Together | None
    undefined: dict[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """The shares, for a notebook."""
        named: list[tuple[str, Share]] = [("class", self.by_class)]
        named += [(b.name, b) for b in self.baselines]
        named += [("all together", self.together)] if self.together else []
        rows = [(name, found.share, found.share_ci) for name, found in named]
        title = f"Share of the order explained, {self.n_replicates} replicates"
        return as_html(title, ("baseline", "share", "95 % interval"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; None has its reason in the ``undefined`` beside it."""
        return {
            "n_replicates": self.n_replicates,
            "n_examples": self.n_examples,
            "class": plain(asdict(self.by_class)),
            "each": [plain({"name": b.name, **asdict(b)}) for b in self.baselines],
            "together": plain(asdict(self.together)) if self.together else None,
            "undefined": dict(self.undefined),
        }

    def shares(self) -> dict[str, Any]:
        """Shares alone under flat names, with their intervals, each reason in ``undefined``."""
        named: dict[str, Share | None] = {"class": self.by_class}
        named |= {b.name: b for b in self.baselines}
        record: dict[str, Any] = {}
        undefined: dict[str, str] = {}
        for name, found in {**named, "together": self.together}.items():
            for key in ("share", "share_ci"):
                value = getattr(found, key, None)
                record[f"{name}_{key}"] = list(value) if isinstance(value, tuple) else value
                if value is None:
                    reasons = found.undefined if found else {key: self.undefined["together"]}
                    undefined[f"{name}_{key}"] = reasons[key]
        return {**record, "undefined": undefined}


def explained(log: xr.Dataset) -> Explained:
    r"""Share of the shared order that class and baselines explain, and what goes with each of them.

    .. math:: \text{share} = 1 - \frac{C_{rest}}{C}

    with C the mean covariance between different replicates of per-replicate accessibility over
    examples, and the same of what is left when each replicate's accessibility is regressed on the
    terms, over as many degrees of freedom as are left. Covariances between different replicates
    hold what they share, and none of their noise, so this is adjusted :math:`R^2` over reliability,
    but for chance: noise, which nothing explains, is not held against the baselines.

    Terms: of class, one for each class; of a baseline, its rank and the square of that. They say
    what baselines explain at least: not what they do in combination, or otherwise in each class.
    Baselines are the variables of the split with the attribute ``role = "baseline"``.

    1: the order is known before anything is trained. 0: it has nothing to do with them; chance
    makes it negative or larger than 1. Higher is more trivial.

    Undefined, None with the reason: shares for one replicate, where reliability is 0 or below, or
    where mean accessibility does not differ between examples; intervals for fewer than 3
    replicates or 10 examples; for a baseline, where it does not differ between examples; of all
    together, where there is no baseline.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Raises
    ------
    LearnOrderError
        No epoch > 0, no labels, a prediction was not recorded, or a baseline is no finite number.

    References
    ----------
    spearman1904, efron1981jackknife, satterthwaite1946

    Examples
    --------
    >>> import learnorder as lo
    >>> labels = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> votes = [[[0, 0, 0, 1, 1, 1, 0, 0]], [[0, 0, 0, 1, 1, 0, 0, 0]]]
    >>> log = lo.from_arrays(votes, labels, baselines={"brightness": [4, 5, 6, 1, 5, 3, 2, 1]})
    >>> found = explained(log)
    >>> found.baselines[0].name, round(found.baselines[0].pearson, 2)
    ('brightness', 0.95)
    """
    split, weight = weighted(log, "explained", "equal", "correct")
    baselines = baselines_of(log, "explained")
    return explained_of(replicate_scores(split, weight), split.label, baselines)


def baselines_of(log: xr.Dataset, caller: str) -> dict[str, Scores]:
    """Baselines of a split by name: its variables that have this role.

    Raises
    ------
    LearnOrderError
        One of them is not a finite number for each example.
    """
    found = {}
    for key, variable in log.data_vars.items():
        if variable.attrs.get(ROLE) != BASELINE:
            continue
        name = str(key)
        if variable.dims != (EXAMPLE,) or variable.dtype.kind not in "biuf":
            raise LearnOrderError(
                f"{caller}: the baseline {name!r} has dims {variable.dims} and type "
                f"{variable.dtype}. It must be numbers over ('example',). Build the split with "
                "`from_arrays`."
            )
        values = np.asarray(variable.values, dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise LearnOrderError(
                f"{caller}: the baseline {name!r} of example {log[EXAMPLE].values[bad[0]]} is "
                f"{values[bad[0]]}. Baselines are finite numbers. Leave it out, or those examples."
            )
        found[name] = values
    return found


def explained_of(scores: ScoreTable, label: Labels, baselines: Mapping[str, Scores]) -> Explained:
    """What class and baselines explain of a table of scores in [0, 1]; see `explained`."""
    overall, within = _Order.of(scores, None), _Order.of(scores, label)
    found: list[Baseline] = []
    ranks: list[Ranks] = []
    # One after the other: terms and moments take several numbers for each example.
    for name, values in baselines.items():
        rank, rank_within = baseline_ranks(values, (None, label))
        terms = rank_terms([rank])
        alone = overall.association(name, values, rank, terms)
        beyond_class = within.association(name, values, rank_within, terms)
        found.append(Baseline(**vars(alone), name=name, within_class=beyond_class))
        ranks.append(rank)
    together = None
    if ranks:
        left = within.part.left(residuals(within.deviation, rank_terms(ranks)))
        together = Together(**vars(overall.share(left)), within_class=within.share(left))
    return Explained(
        n_replicates=scores.n_replicates,
        n_examples=scores.n_examples,
        by_class=overall.share(within.part),
        baselines=tuple(found),
        together=together,
        undefined={} if together else {"together": NO_BASELINES},
    )


@dataclass(frozen=True)
class _Order:
    """The order to be explained: overall, or within the classes of ``label``."""

    deviation: Deviations
    label: Labels | None
    ranks: Ranks
    part: Part

    @classmethod
    def of(cls, scores: ScoreTable, label: Labels | None) -> _Order:
        """Order of a table of scores."""
        deviation = deviations(scores, label)
        (ranks,) = centred_ranks(scores.means(), (label,))
        return cls(deviation, label, ranks, Part.of(deviation))

    def share(self, rest: Part) -> Share:
        """How much is explained where ``rest`` is left."""
        return Share(**with_reasons(self._shares(rest)))

    def association(self, name: str, values: Scores, ranks: Ranks, terms: Scores) -> Association:
        """How a baseline goes with the order; ``ranks`` are those of its values, within class."""
        linear = centred_terms(self.deviation, values[:, np.newaxis])
        if not linear.any():
            where = "between examples" if self.label is None else "within any class"
            reason = f"{name!r} does not differ {where}"
            return Association(**with_reasons(dict.fromkeys(QUANTITIES, reason)))
        basis = orthonormal(centred_terms(self.deviation, terms))
        product, slopes = products(self.deviation, linear, basis)
        rest = self.part.left(Residuals.of(self.deviation, basis, slopes))
        pearson = correlation(self.part, linear[:, 0])
        interval: Found | Interval = pearson
        if not isinstance(pearson, str):
            interval = correlation_interval(self.part, linear[:, 0], product[:, 0])
        spearman = rank_correlation(self.ranks, ranks)
        correlations = {
            "pearson": pearson,
            "pearson_ci": interval,
            "spearman": NO_DIFFERENCE if spearman is None else spearman,
        }
        return Association(**with_reasons(correlations | self._shares(rest)))

    def _shares(self, rest: Part) -> dict[str, Found | Interval]:
        share = explained_share(self.part, rest)
        interval = share if isinstance(share, str) else share_interval(self.part, rest)
        return {"r_squared": r_squared(self.part, rest), "share": share, "share_ci": interval}
