"""Which rule is tested on which datasets, and where its results are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.labels import best_records, rules
from benchmarks.labels.evidence import Scoring
from benchmarks.labels.settings import FRESH, SEEN


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
        Those that the rule was chosen on; they do not count in its test.
    of_datasets
        Which datasets count, in words.
    n_networks
        Of each kind in each setting.
    """

    name: str
    rule: Scoring
    candidates: tuple[Scoring, ...]
    setups: tuple[str, ...]
    chosen_on: tuple[str, ...]
    of_datasets: str
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
    "on the two datasets that the rule was not chosen on",
    10,
)

SECOND = Trial(
    "second",
    best_records.CHOSEN,
    best_records.CANDIDATES,
    tuple(FRESH),
    tuple(SEEN),
    "on the four datasets that nothing was chosen on",
    5,
)

TRIALS: Mapping[str, Trial] = {trial.name: trial for trial in (FIRST, SECOND)}
