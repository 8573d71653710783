"""The order itself: who is learned first, last, never, is forgotten, is wrong in company."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import count_of
from learnorder.report.measured import Measured
from learnorder.report.sheets import Sheets, Tile
from learnorder.report.shown import Shown
from learnorder.report.visible import shorten

MOST_TEXT = 300
"""Characters of a text on a card; enough to recognise it, few enough to compare twelve."""

MOST_CLASSES = 20
"""Classes with a gallery of their own; others are found by selecting."""

PER_CLASS = 4
"""Cards at each end of a class, at most."""

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Card:
    """One example: who it is, how it was learned, and its picture or text.

    Attributes
    ----------
    value, word
        Accessibility, or mean agreement where there are no labels; and which it is.
    true_label
        Only where it differs from the label.
    prediction, share
        The class most predicted after the last epoch (of equals the label, then the lowest class
        id), and the share of replicates that gave it.
    second, second_share
        The label, where another class is most predicted, else the wrong class most predicted, and
        the share that gave it; None where none did.
    trajectory
        TP-agreement after each recorded epoch; empty without labels.
    tile
        Its thumbnail.
    cut
        Whether the text goes on beyond what is shown.
    misread
        Whether the prediction is not the label.
    """

    id: str
    value: float
    word: str
    prediction: str
    share: float
    label: str | None = None
    true_label: str | None = None
    second: str | None = None
    second_share: float = 0.0
    trajectory: tuple[float, ...] = ()
    tile: Tile | None = None
    text: str | None = None
    cut: bool = False
    misread: bool = False


@dataclass(frozen=True)
class Row:
    """Some examples under a title, and what has to be said of them."""

    title: str
    cards: tuple[Card, ...]
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """Examples of one split of one collection.

    Attributes
    ----------
    name
        Of the split and collection.
    rows
        All examples of the split by one question each.
    classes
        Both ends of each class.
    missing
        Why there is no order.
    """

    name: str
    rows: tuple[Row, ...] = ()
    classes: tuple[Row, ...] = ()
    missing: str = ""

    @property
    def has_previews(self) -> bool:
        """Whether any card has something to look at; otherwise a table says as much."""
        cards = [card for row in (*self.rows, *self.classes) for card in row.cards]
        return any(card.tile is not None or card.text is not None for card in cards)


def gallery_of(m: Measured, sheets: Sheets, most: int) -> Gallery:
    """Up to ``most`` examples for each question; equal values spread evenly over the ids."""
    if m.n_trained == 0:
        return Gallery(m.name, missing="nothing was recorded after epoch 0")
    votes = order_votes(m)
    if votes.min() == votes.max():
        all_of_them = f"all {len(votes):,} examples have the same value"
        return Gallery(m.name, missing="there is one alone" if len(votes) == 1 else all_of_them)
    ids = _sortable(m)
    most = min(most, m.n_examples // 2)  # or the first would be the last ones too
    rows = tuple(
        Row(title, cards_of(m, _first(keys, of, ids, most), sheets), note if len(of) else "")
        for title, keys, of, note in _questions(m, votes, most)
    )
    return Gallery(m.name, rows, tuple(_classes(m, votes, ids, sheets, most)))


def order_votes(m: Measured) -> Positions:
    """``(example,)`` votes behind the value by which a split is ordered."""
    if m.order is not None:
        return m.order.right
    if m.agreed is None:
        raise ValueError("nothing was recorded after epoch 0")
    return m.agreed


Question = tuple[str, Positions, Positions, str]
"""Title, key (smallest first), positions of the examples asked about, and a note."""


def _questions(m: Measured, votes: Positions, most: int) -> Iterator[Question]:
    """Yield what is asked of a split, in order."""
    everyone = np.arange(m.n_examples)
    if m.order is None or m.tp_counts is None:
        yield "Most agreed upon", -votes, everyone, _tied(-votes, everyone, most)
        yield "Least agreed upon", votes, everyone, _tied(votes, everyone, most)
        return
    yield "Learned first", -votes, everyone, _tied(-votes, everyone, most)
    known = np.flatnonzero(2 * m.tp_counts[-1].astype(np.int64) > m.n_replicates)
    late = "Of those that most replicates know at the end, the last ones."
    yield "Learned last", votes, known, f"{late} {_tied(votes, known, most)}".strip()
    never = np.flatnonzero(m.order.learned == 0)
    n_never = f"{count_of(len(never), 'example')} that no replicate ever has right."
    yield (
        "Never learned",
        np.zeros(m.n_examples, dtype=np.int64),
        never,
        _some(n_never, never, most),
    )
    if m.n_trained > 1:
        times, forgotten = -m.order.forgotten, np.flatnonzero(m.order.forgotten > 0)
        what = "Right at one recorded epoch and wrong at the next, over all replicates."
        note = f"{what} {_tied(times, forgotten, most)}".strip()
        yield "Forgotten most often", times, forgotten, note
    if m.n_replicates == 1:
        return  # nobody else to be wrong with
    together = np.flatnonzero(2 * m.last.wrong_votes.astype(np.int64) > m.n_replicates)
    key = -(m.last.wrong_votes.astype(np.int64) * (int(votes.max()) + 1) - votes)
    said = f"{count_of(len(together), 'example')} on which most replicates end with one same wrong "
    yield "Wrong together", key, together, _some(f"{said}class.", together, most)


def _some(text: str, of: Positions, most: int) -> str:
    """Say how many of them are shown, where not all are."""
    return f"{text} {most} of them are shown." if len(of) > most else text


def _tied(keys: Positions, of: Positions, most: int) -> str:
    """What to say where the last value shown is shared by examples that are not shown."""
    if len(of) <= most:
        return ""
    own = np.sort(keys[of])
    n_equal = int(np.sum(own == own[most - 1]))
    n_shown = most - int(np.sum(own < own[most - 1]))
    if n_equal == n_shown:
        return ""
    shown = "one of them is" if n_shown == 1 else f"{n_shown} of them, spread over the ids, are"
    return f"{n_equal:,} examples share the last value; {shown} shown."


def _classes(
    m: Measured, votes: Positions, ids: NDArray[np.generic], sheets: Sheets, most: int
) -> Iterator[Row]:
    """Yield both ends of each class, easiest first; none where there are too many classes."""
    if m.order is None:
        return
    sizes = np.bincount(m.label)
    present = np.flatnonzero(sizes)
    if len(present) > MOST_CLASSES:
        return
    each = max(1, min(PER_CLASS, most // 3))
    for class_id in present:
        of = np.flatnonzero(m.label == class_id)
        name = class_name(m, int(class_id))
        mean = float(votes[of].mean()) / (m.n_replicates * m.n_trained)
        n = min(each, len(of) // 2)
        if n == 0:
            continue
        hardest = _first(votes, of, ids, n)
        easiest = _first(-votes, np.setdiff1d(of, hardest), ids, n)
        cards = (*cards_of(m, easiest, sheets), *cards_of(m, hardest, sheets))
        note = f"{n} learned first, {n} learned last or never; mean accessibility {mean:.3f}."
        yield Row(name, cards, note)


def _sortable(m: Measured) -> NDArray[np.generic]:
    """Ids as something numpy can order: integers as numbers, everything else as text."""
    return m.ids if m.ids.dtype.kind in "iu" else m.ids.astype(str)


def _first(keys: Positions, of: Positions, ids: NDArray[np.generic], most: int) -> Positions:
    """Positions of the smallest keys among ``of``, equal keys by id.

    Where not all examples with the last key fit, those shown are spread evenly over their ids: in
    data sorted by class the lowest ids would all be of one class.
    """
    ordered = of[np.lexsort((ids[of], keys[of]))]
    if most == 0 or len(ordered) <= most:
        return ordered[:most]
    last = keys[ordered[most - 1]]
    surely, equal = np.flatnonzero(keys[ordered] < last), np.flatnonzero(keys[ordered] == last)
    n_equal_shown = most - len(surely)
    spread = equal[np.arange(n_equal_shown) * len(equal) // n_equal_shown]
    shown: Positions = ordered[np.concatenate([surely, spread])]
    return shown


def class_name(m: Measured, class_id: int) -> str:
    """Name of a class, or its number where the log has no names."""
    names: Sequence[object] = m.log.attrs.get("class_names") or ()
    return shorten(str(names[class_id])) if class_id < len(names) else f"class {class_id}"


def cards_of(m: Measured, positions: Positions, sheets: Sheets) -> tuple[Card, ...]:
    """The cards of these positions, in this order."""
    votes = order_votes(m)
    return tuple(_card(m, votes, int(position), sheets) for position in positions)


def _card(m: Measured, votes: Positions, position: int, sheets: Sheets) -> Card:
    """One card."""
    top = int(m.last.top[position])
    label = true_label = None
    if m.labelled:
        label = class_name(m, int(m.label[position]))
        if m.true_label is not None and m.true_label[position] != m.label[position]:
            true_label = class_name(m, int(m.true_label[position]))
    second, second_votes = _second(m, position)
    tile, text, cut = _preview(m.shown, position, sheets)
    counts = () if m.tp_counts is None else m.tp_counts[:, position].tolist()
    return Card(
        id=shorten(str(m.ids[position])),
        value=float(votes[position] / (m.n_replicates * m.n_trained)),
        word="accessibility" if m.labelled else "agreement",
        prediction=class_name(m, top),
        share=float(m.last.top_votes[position] / m.n_replicates),
        label=label,
        true_label=true_label,
        second=second,
        second_share=second_votes / m.n_replicates,
        trajectory=tuple(count / m.n_replicates for count in counts),
        tile=tile,
        text=text,
        cut=cut,
        misread=m.labelled and top != m.label[position],
    )


def _second(m: Measured, position: int) -> tuple[str | None, int]:
    """The class that has the second word about an example, and its votes."""
    if m.tp_counts is None:
        return None, 0
    if int(m.last.top[position]) == int(m.label[position]):
        class_id, votes = int(m.last.wrong[position]), int(m.last.wrong_votes[position])
    else:
        class_id, votes = int(m.label[position]), int(m.tp_counts[-1, position])
    return (class_name(m, class_id), votes) if votes else (None, 0)


def _preview(
    shown: Shown | None, position: int, sheets: Sheets
) -> tuple[Tile | None, str | None, bool]:
    """Thumbnail, excerpt, and whether the excerpt was cut."""
    if shown is None:
        return None, None, False
    i = int(np.searchsorted(shown.positions, position))
    if i == len(shown.positions) or shown.positions[i] != position:
        return None, None, False
    if shown.has_images:
        return sheets.add(shown.image(i)), None, False
    text = shown.text(i)
    return None, text[:MOST_TEXT], len(text) > MOST_TEXT
