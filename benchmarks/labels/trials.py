"""Which rule is tested on which datasets, and where its results are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.labels import best_records, rules
from benchmarks.labels.evidence import Scoring
from benchmarks.labels.noise import NOISES
from benchmarks.labels.settings import FRESH, SEEN, SMALL

DOCS = Path(__file__).parents[2] / "docs"

ENOUGH = 0.004
"""A difference in AUROC above it counts as this much: none can make up for others."""


@dataclass(frozen=True)
class Trial:
    """One rule and its test.

    Attributes
    ----------
    name
        For commands and heads of tables.
    rule
        What is tested.
    candidates
        What it was chosen from.
    setups
        Datasets, by name.
    chosen_on
        Datasets that the rule was chosen on, at their size then; those in ``setups`` do not count
        in its test.
    chosen_with
        Kinds of errors it was chosen with.
    chosen_by
        Candidates were put in order by this: mean ``AUROC``, or mean ``difference`` to the best of
        the others, of which no more than `ENOUGH` counts.
    of_datasets
        Which datasets count, in words.
    page
        Whose tables are made from the results.
    n_networks
        Of each kind in each setting.
    """

    name: str
    rule: Scoring
    candidates: tuple[Scoring, ...]
    setups: tuple[str, ...]
    chosen_on: tuple[str, ...]
    chosen_with: tuple[str, ...]
    chosen_by: Literal["AUROC", "difference"]
    of_datasets: str
    page: Path
    n_networks: int

    @property
    def results(self) -> Path:
        """What the test found."""
        return Path(__file__).with_name(f"{self.name}.json")


FIRST = Trial(
    "first",
    rules.CHOSEN,
    rules.CANDIDATES,
    tuple(SEEN),
    ("fashion-mnist",),
    tuple(NOISES),
    "AUROC",
    "on the two datasets that the rule was not chosen on",
    DOCS / "labels-first-rule.md",
    10,
)

SECOND = Trial(
    "second",
    best_records.CHOSEN,
    best_records.CANDIDATES,
    tuple(FRESH),
    (*SMALL, "newsgroups"),
    ("symmetric-10", "symmetric-40", "class-20", "instance-20"),
    "difference",
    "on the four datasets that nothing was chosen on",
    DOCS / "labels.md",
    5,
)

TRIALS: Mapping[str, Trial] = {trial.name: trial for trial in (FIRST, SECOND)}
