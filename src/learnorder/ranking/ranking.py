"""A split as a list: examples in an order, with what is known of each and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures.split import UNDEFINED
from learnorder.notebook import MOST_ROWS, as_html
from learnorder.ranking.columns import columns_of
from learnorder.ranking.curriculum import Drop, Positions, in_turn, left_out
from learnorder.ranking.evaluation import evaluate
from learnorder.ranking.evidence import Evidence
from learnorder.ranking.keys import ACCESSIBILITY, COLUMNS, Key
from learnorder.ranking.notes import cut_tie, notes_of, ties_of_order, ties_of_pruning
from learnorder.ranking.readings import MISLABELLED, ONE_REPLICATE, READINGS, Rule
from learnorder.ranking.rows import Column, Table
from learnorder.schema import Ids, Labels

NO_LABELS = "the split has no labels"


@dataclass(frozen=True, eq=False, repr=False)
class Ranking:
    """Examples of a split in an order, each with what the replicates say of it.

    Attributes
    ----------
    split
        Name of the split.
    by
        Number the examples are sorted by, and what a higher value means.
    positions
        ``(row,)``, where the examples of `rows` lie in the split, in the order of the rows.
    ids
        ``(example,)``, of all examples, by position; likewise everything below.
    evidence
        What the replicates say.
    rule
        Thresholds of the readings.
    readings
        ``(example,)``, places in ``("likely mislabelled", "ambiguous", "hard but right", "easy")``;
        None where there are no labels, or one replicate.
    true_label
        ``(example,)``; None unless labels were changed on purpose. Nothing but `evaluation` and the
        columns ``true_label``, ``label_is_wrong`` and ``reading_wrong_share`` depends on it.
    class_names
        One for each class.
    """

    split: str
    by: Key
    positions: Positions
    ids: Ids
    evidence: Evidence
    rule: Rule
    readings: NDArray[np.int8] | None
    true_label: Labels | None
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        shown, n = len(self.positions), self.evidence.n_examples
        return f"<Ranking of {self.split!r} by {self.by.name}: {shown} of {n} examples>"

    def _repr_html_(self) -> str:
        """The first rows, for a notebook."""
        rows = list(islice(self.table.flat_rows(), MOST_ROWS))
        hidden = len(self.positions) - len(rows)
        title = f"Ranking of {self.split!r} by {self.by.name}"
        more = f"; {hidden:,} more below these" if hidden else ""
        heads = list(rows[0]) if rows else []
        return as_html(f"{title}{more}", heads, [list(row.values()) for row in rows])

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Columns of all examples, by position."""
        return columns_of(
            self.ids, self.evidence, self.by, self.readings, self.true_label, self.class_names
        )

    @property
    def table(self) -> Table:
        """The examples shown; its rows are made as they are asked for, however many there are."""
        return Table(self.columns, self.positions)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One object for each example shown; docs/rank.md says what its keys mean."""
        return list(self.table.rows())

    def to_table(self) -> list[dict[str, Any]]:
        """Flat rows, for `pandas.DataFrame` and files: each cell a number, a text, or None.

        An interval under ``<name>_ci`` becomes ``<name>_low`` and ``<name>_high``.
        """
        return list(self.table.flat_rows())

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        evaluation, reason = self.evaluation, "labels were not changed on purpose"
        return {
            "split": self.split,
            "by": self.by.name,
            "direction": self.by.direction,
            "n_replicates": self.evidence.n_replicates,
            "n_epochs": self.evidence.n_epochs,
            "n_examples": self.evidence.n_examples,
            "readings": self.counts,
            "evaluation": evaluation,
            "notes": self.notes,
            "rows": self.rows,
            UNDEFINED: ({} if evaluation else {"evaluation": reason})
            | ({} if self.counts else {"readings": self._no_readings}),
        }

    @property
    def counts(self) -> dict[str, int] | None:
        """How many of all examples have each reading."""
        if self.readings is None:
            return None
        counts = np.bincount(self.readings, minlength=len(READINGS)).tolist()
        return dict(zip(READINGS, counts, strict=True))

    @cached_property
    def evaluation(self) -> dict[str, Any] | None:
        """How well wrong labels are found, where the log knows them; see `evaluate`."""
        if self.true_label is None:
            return None
        names = dict.fromkeys((self.by.name, ACCESSIBILITY, "suspicion"))
        keys = [self.by if n == self.by.name else self._key(n) for n in names]
        orders = {key.name: key.hardest_first() for key in keys if key.direction.endswith("easier")}
        return evaluate(
            self.evidence.label,
            self.true_label,
            self.readings,
            self.evidence.counted.suggested.astype(np.int64),
            orders,
        )

    @property
    def notes(self) -> list[str]:
        """What a reader must know to read the table rightly."""
        return [*notes_of(self.evidence), *cut_tie(self.by, self.positions)]

    def curriculum_notes(self) -> list[str]:
        """What a reader must know of `curriculum`: how many examples are equal in what orders."""
        return ties_of_order(self.by)

    def pruning_notes(self, keep: NDArray[np.bool_]) -> list[str]:
        """What a reader must know of ``keep``, from `prune`: how many equal ones were told apart.

        Raises
        ------
        LearnOrderError
            There are no labels.
        """
        return ties_of_pruning(self.by, self._labels("pruning by class"), keep)

    def curriculum(self, by_class: bool = False) -> Positions:
        """Positions of all examples in the split, from easy to hard; equal ones by position.

        Parameters
        ----------
        by_class
            Classes take turns in proportion to their size, each from easy to hard, so that every
            beginning of the order holds them in their shares. Without it, what is easiest comes
            first, and that can be one class.

        Returns
        -------
        ``(example,)`` int64. ``ranking.ids[ranking.curriculum()]`` are the ids.

        Raises
        ------
        LearnOrderError
            The ranking is by something that does not say what is easy; or ``by_class``, and there
            are no labels.

        References
        ----------
        bengio2009curriculum
        """
        order = self.by.easiest_first("A curriculum")
        return in_turn(order, self._labels("curriculum by class")) if by_class else order

    def prune(self, fraction: float, drop: Drop = "easiest") -> NDArray[np.bool_]:
        """Which examples are kept if a share of each class is dropped.

        Published experiments agree that with much data the easiest are best dropped, being said by
        others already, and with little data, or where most is dropped, the hardest. The easiest go
        by default; what is likely mislabelled then stays, so look at that first.

        Parameters
        ----------
        fraction
            To drop, in [0, 1); of each class as near to it as whole numbers allow, and at least one
            example of each is kept.
        drop
            ``"easiest"`` or ``"hardest"``. Of equal ones those later in the split are dropped
            first with ``"hardest"``, those earlier with ``"easiest"``.

        Returns
        -------
        ``(example,)`` bool, by position; true is kept.

        Raises
        ------
        LearnOrderError
            The fraction is outside [0, 1), the end unknown, the ranking by something that does not
            say what is easy, or there are no labels.

        References
        ----------
        sorscher2022pruning, paul2021diet, zheng2023coverage
        """
        order = self.by.easiest_first("Pruning")
        return ~left_out(order, self._labels("pruning by class"), fraction, drop)

    def mislabelled(self) -> Positions:
        """Positions of what reads as likely mislabelled, most suspicious first.

        Raises
        ------
        LearnOrderError
            There are no readings.
        """
        if self.readings is None:
            raise LearnOrderError(
                f"rank: there are no readings ({self._no_readings}). Corrections are of what is "
                "likely mislabelled. Rank a split with labels, of two replicates or more."
            )
        by_suspicion = self._key("suspicion").descending()
        found: Positions = by_suspicion[self.readings[by_suspicion] == READINGS.index(MISLABELLED)]
        return found

    def corrected_labels(self) -> Labels:
        """Labels of all examples, ``(example,)`` by position, the suggested ones where it reads so.

        Where an example reads as likely mislabelled its label is replaced by the suggested one;
        nothing is changed anywhere else. It is a proposal: look before training on it.

        Raises
        ------
        LearnOrderError
            There are no readings.
        """
        corrected = self.evidence.label.copy()
        replaced = self.mislabelled()
        corrected[replaced] = self.evidence.counted.suggested[replaced]
        return corrected

    def curriculum_table(self, by_class: bool = False) -> Table:
        """All examples in the order of `curriculum`, with who they are and the number sorted by."""
        wanted = ("id", "position", "label", "label_name", self.by.name)
        columns = {name: c for name, c in self.columns.items() if name in wanted}
        return Table(columns, self.curriculum(by_class))

    def corrections(self, whole: bool = False) -> Table:
        """Labels to replace: of what reads as likely mislabelled, most suspicious first.

        ``whole``: the labels of all examples in the order of the source, with ``corrected`` in
        place of ``suggested``, and ``replaced``.

        Raises
        ------
        LearnOrderError
            There are no readings.
        """
        positions, corrected = self.mislabelled(), self.corrected_labels()
        replaced = np.zeros(len(corrected), dtype=np.bool_)
        replaced[positions] = True
        columns = {name: self.columns[name] for name in ("id", "label", "label_name")}
        name = "corrected" if whole else "suggested"
        columns |= {
            name: Column(corrected),
            f"{name}_name": Column(corrected, names=self.class_names),
        }
        if not whole:
            return Table({**columns, "suspicion": self.columns["suspicion"]}, positions)
        return Table(columns, np.arange(len(corrected))).with_column("replaced", replaced)

    @property
    def _no_readings(self) -> str:
        return ONE_REPLICATE if len(self.evidence.label) else NO_LABELS

    def _key(self, name: str) -> Key:
        return Key(name, COLUMNS[name].direction, COLUMNS[name].of(self.evidence))

    def _labels(self, purpose: str) -> Labels:
        if not len(self.evidence.label):
            raise LearnOrderError(
                f"rank: the split {self.split!r} has no labels, so no {purpose}. "
                "Rank a split with labels."
            )
        return self.evidence.label
