"""The easiest and hardest examples of a split, with what a person can see of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures.split import Split, read_split
from learnorder.measures.tiles import READ_BYTES, chunk_shape, cuts
from learnorder.report.lattice import votes
from learnorder.report.page import data_uri
from learnorder.report.visible import shorten
from learnorder.schema import LABEL, PREDICTION, TRUE_LABEL, Previews, Scores

MOST_TEXT = 300
"""Characters of a text on a card; enough to recognise it, few enough to compare twelve."""


@dataclass(frozen=True)
class Card:
    """One example: who it is, how it was learned, and its picture or text.

    Attributes
    ----------
    score
        Accessibility, or mean agreement where there are no labels.
    true_label
        Only where it differs from the label.
    prediction, share
        The most frequent prediction after the last epoch (lowest class id among equals), and the
        share of replicates that gave it.
    image
        A data URI.
    cut
        Whether the text goes on beyond what is shown.
    misread
        Whether the prediction is not the label.
    """

    id: str
    score: float
    prediction: str
    share: float
    label: str | None = None
    true_label: str | None = None
    image: str | None = None
    text: str | None = None
    cut: bool = False
    misread: bool = False


@dataclass(frozen=True)
class Row:
    """One end of the order, and what has to be said about ties."""

    title: str
    cards: tuple[Card, ...]
    tie: str = ""


@dataclass(frozen=True)
class Gallery:
    """Both ends of the order of one split, or why there are none."""

    rows: tuple[Row, ...] = ()
    missing: str = ""

    @property
    def has_previews(self) -> bool:
        """Whether any card has something to look at; otherwise a table says as much."""
        cards = [card for row in self.rows for card in row.cards]
        return any(card.image is not None or card.text is not None for card in cards)


def examples_gallery(
    log: xr.Dataset, scores: Scores, n_votes: int, previews: Previews | None, most: int
) -> Gallery:
    """Up to ``most`` examples from each end of ``scores``; equal scores spread over the ids."""
    counts = votes(scores, n_votes)
    if counts.min() == counts.max():
        all_of_them = f"all {len(counts):,} examples have the same value"
        return Gallery(missing="there is one alone" if len(counts) == 1 else all_of_them)
    most = min(most, len(counts) // 2)
    word = "agreement" if LABEL not in log else "accessibility"
    titles = (
        ("Least agreed upon", "Most agreed upon")
        if LABEL not in log
        else ("Hardest: learned last or never", "Easiest: learned first")
    )
    hardest, easiest = (_first(keys, _sortable(log), most) for keys in (counts, -counts))
    rows = tuple(
        Row(title, _cards(log, scores, positions, previews), _tie(counts, positions, scores, word))
        for title, positions in zip(titles, (hardest, easiest), strict=True)
    )
    return Gallery(rows)


def _sortable(log: xr.Dataset) -> NDArray[np.generic]:
    """Ids as something numpy can order: integers as numbers, everything else as text."""
    ids = log["example"].values
    return ids if ids.dtype.kind in "iu" else ids.astype(str)


def _first(keys: NDArray[np.int64], ids: NDArray[np.generic], most: int) -> NDArray[np.int64]:
    """Positions of the smallest keys, equal keys by id.

    Where not all examples with the last key fit, those shown are spread evenly over their ids: in
    data sorted by class the lowest ids would all be of one class.
    """
    ordered = np.lexsort((ids, keys)).astype(np.int64)
    if most == 0:
        return ordered[:0]
    last = keys[ordered[most - 1]]
    surely, equal = np.flatnonzero(keys[ordered] < last), np.flatnonzero(keys[ordered] == last)
    n_equal_shown = most - len(surely)
    spread = equal[np.arange(n_equal_shown) * len(equal) // n_equal_shown]
    shown: NDArray[np.int64] = ordered[np.concatenate([surely, spread])]
    return shown


def _tie(counts: NDArray[np.int64], positions: NDArray[np.int64], scores: Scores, word: str) -> str:
    """What to say where the last value shown is shared by examples that are not shown."""
    last = counts[positions[-1]]
    n_equal, n_shown = int(np.sum(counts == last)), int(np.sum(counts[positions] == last))
    if n_equal == n_shown:
        return ""
    value = f"{scores[positions[-1]]:.3f}"
    shown = "one of them is" if n_shown == 1 else f"{n_shown} of them, spread over the ids, are"
    return f"{n_equal:,} examples share the {word} {value}; {shown} shown."


def class_name(log: xr.Dataset, class_id: int) -> str:
    """Name of a class, or its number where the log has no names."""
    names: Sequence[object] = log.attrs.get("class_names") or ()
    return shorten(str(names[class_id])) if class_id < len(names) else f"class {class_id}"


def _cards(
    log: xr.Dataset, scores: Scores, positions: NDArray[np.int64], previews: Previews | None
) -> tuple[Card, ...]:
    """The cards of these positions, in this order."""
    final = _last_predictions(read_split(log, "report", labels=False), positions)
    return tuple(
        _card(log, int(position), float(scores[position]), final[:, i], previews)
        for i, position in enumerate(positions)
    )


def _last_predictions(split: Split, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Predictions after the last epoch, ``(replicate, position)``; read where positions lie."""
    prediction = split.log[PREDICTION]
    final = np.empty((split.n_replicates, len(positions)), dtype=np.int64)
    last = slice(split.n_epochs - 1, split.n_epochs)
    column = positions // chunk_shape(prediction.encoding, split.n_examples)[1]
    for here in (column == c for c in np.unique(column)):
        span = slice(int(positions[here].min()), int(positions[here].max()) + 1)
        n_bytes = (span.stop - span.start) * prediction.dtype.itemsize
        for group in cuts(slice(0, split.n_replicates), max(1, READ_BYTES // n_bytes)):
            read = split.read(last, span, group)
            final[group, here] = read[:, 0, positions[here] - span.start]
    return final


def _card(
    log: xr.Dataset,
    position: int,
    score: float,
    final: NDArray[np.int64],
    previews: Previews | None,
) -> Card:
    """One card; ``final`` are the replicates' predictions after the last epoch."""
    tally = np.bincount(final)
    label = true_label = given = None
    if LABEL in log:
        given = int(log[LABEL].values[position])
        label = class_name(log, given)
        if TRUE_LABEL in log and int(log[TRUE_LABEL].values[position]) != given:
            true_label = class_name(log, int(log[TRUE_LABEL].values[position]))
    image, text, cut = _preview(previews, position)
    return Card(
        id=shorten(str(log["example"].values[position])),
        score=score,
        prediction=class_name(log, int(tally.argmax())),
        share=float(tally.max() / len(final)),
        label=label,
        true_label=true_label,
        image=image,
        text=text,
        cut=cut,
        misread=given not in (None, int(tally.argmax())),
    )


def _preview(previews: Previews | None, position: int) -> tuple[str | None, str | None, bool]:
    """Picture as a data URI, excerpt, and whether the excerpt was cut."""
    if previews is None:
        return None, None, False
    i = int(np.searchsorted(previews.positions, position))
    if i == len(previews.positions) or previews.positions[i] != position:
        return None, None, False
    image = None if previews.images is None else thumbnail(previews.images[i])
    if previews.texts is None:
        return image, None, False
    text = previews.texts[i]
    return image, text[:MOST_TEXT], len(text) > MOST_TEXT


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """The picture as a PNG in a data URI, encoded anew from its pixels."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", optimize=True)
    return data_uri(file.getvalue(), "image/png")
