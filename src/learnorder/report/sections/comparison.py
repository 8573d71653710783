"""One collection's order against another's: all pairs, by epoch and at matched accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from learnorder.report import columns, lattice, reading
from learnorder.report.figures.joint import BOX, Side, joint_figure
from learnorder.report.figures.matrix import matrix_figure
from learnorder.report.names import file_name, letters, plot_name
from learnorder.report.section import Axis, Head, Line, Part, Picture, Plane, Section, Table
from learnorder.report.sections import containment
from learnorder.report.tables import Cell, cell, number, percent, reason

if TYPE_CHECKING:
    from learnorder.comparison.compare import Comparison

MOST_DRAWN = 12
"""Pairs of a split that are drawn; the table has every pair."""

FEWEST_IN_MATRIX = 3
"""Collections from which on there is a square of correlations."""

TEXT = (
    "Each cell counts the examples with that pair of accessibilities (share of right predictions "
    "over replicates and epochs: near 1 learned early by all, near 0 late or never). The diagonal "
    "is one same order learned at one same pace. With few replicates two orders can correlate only "
    "up to the noise ceiling; corrected is Pearson's correlation divided by it, not clipped.",
    containment.TEXT,
)
HEADS = ("examples", "Pearson", "Spearman", "noise ceiling", "corrected")


def comparison_section(
    comparisons: Mapping[str, Comparison], matched: Mapping[str, Comparison]
) -> Section:
    """All pairs of each split; ``matched`` are the same on the clock of accuracy."""
    parts = [
        part
        for split, found in comparisons.items()
        for part in _parts(split, found, matched.get(split))
    ]
    title = "One order against another"
    return Section("comparison", "Comparison", title, TEXT, parts)


def _parts(split: str, comparison: Comparison, matched: Comparison | None) -> list[Part]:
    """Square of correlations, then joint distributions, containment, and the tables behind them."""
    found = comparison.to_dict()
    pairs: list[Mapping[str, Any]] = found["pairs"]
    matrix, pictures, notes = _matrix(split, found), [], reading.notes(found)
    undefined: dict[str, list[str]] = {}
    if len(pairs) > MOST_DRAWN:
        left = len(pairs) - MOST_DRAWN
        notes.append(f"{left} further pairs are in the tables only, to keep this page small.")
    for pair in pairs[:MOST_DRAWN]:
        if comparison.accessibility:
            pictures.append(_joint(split, comparison, found, pair))
        contained = containment.containment_picture(split, pair)
        if isinstance(contained, Picture):
            pictures.append(contained)
        else:
            undefined.setdefault(contained, []).append(f"{pair['a']} against {pair['b']}")
    for why, of in undefined.items():
        whose = "" if len(of) == len(pairs[:MOST_DRAWN]) else f" of {', '.join(of)}"
        notes.append(f"Containment along training{whose} is not drawn: {why}.")
    tables = (
        _table(pairs, _at_equal_accuracies(matched, notes)),
        containment.containment_table(pairs),
    )
    whole = [Part(split, matrix)] if matrix else []
    return [*whole, Part("" if matrix else split, pictures, tables, notes)]


def _at_equal_accuracies(
    matched: Comparison | None, notes: list[str]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Pairs on the clock of accuracy by their names; why there are none is one more note."""
    if matched is None:
        return {}
    if matched.levels is None:
        notes.append(f"Orders are not compared at equal accuracies: {matched.undefined['levels']}.")
        return {}
    return {(pair["a"], pair["b"]): pair for pair in matched.to_dict()["pairs"]}


def _table(
    pairs: Sequence[Mapping[str, Any]], matched: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Table:
    """Every pair, overall and within class, and at equal accuracies where that is there."""
    lines = []
    for pair in pairs:
        name = f"{pair['a']} against {pair['b']}"
        lines += [Line(name, cells) for cells in _of_pair(pair, "")]
        other = matched.get((pair["a"], pair["b"]))
        if other is not None:
            lines += [Line(name, cells) for cells in _of_pair(other, " at equal accuracies")]
    return Table(
        [Head("pair", number=False), Head(HEADS[0], number=False), *map(Head, HEADS[1:])], lines
    )


def _of_pair(pair: Mapping[str, Any], clock: str) -> list[tuple[Cell, ...]]:
    """Two lines of the table; one where there is nothing but a reason."""
    if pair.get("pearson") is None and clock:
        undefined = Cell("undefined", reason(pair, "pearson"), undefined=True)
        return [(Cell(clock.strip()), undefined)]
    within = pair.get("within_class")
    if within is None:
        undefined = Cell("undefined", reason(pair, "within_class"), undefined=True)
        last: tuple[Cell, ...] = (Cell(f"within class{clock}"), undefined)
    else:
        last = _cells(f"within class{clock}", within)
    return [_cells(f"overall{clock}", pair), last]


def _cells(scope: str, found: Mapping[str, Any]) -> tuple[Cell, ...]:
    """One line of the table of pairs."""
    halves = (found.get("spearman_halves_a"), found.get("spearman_halves_b"))
    known = [number(half) for half in halves if half is not None]
    spearman = cell(found, "spearman")
    if len(known) == 2 and not spearman.undefined:
        spearman = Cell(spearman.text, f"halves of one: {known[0]}, {known[1]}")
    return (
        Cell(scope),
        cell(found, "pearson"),
        spearman,
        cell(found, "noise_ceiling"),
        cell(found, "corrected"),
    )


def _matrix(split: str, found: Mapping[str, Any]) -> list[Picture]:
    """Corrected correlations of all pairs, from three collections on."""
    names = [collection["name"] for collection in found["collections"]]
    if len(names) < FEWEST_IN_MATRIX:
        return []
    values = np.full((len(names), len(names)), np.nan)
    for pair in found["pairs"]:
        a, b = sorted((names.index(pair["a"]), names.index(pair["b"])))
        for place, of in (((a, b), pair), ((b, a), pair.get("within_class") or {})):
            values[place] = np.nan if of.get("corrected") is None else of["corrected"]
    short = [plot_name(name, letters(i)) for i, name in enumerate(names)]
    sentence = _matrix_sentence(values)
    spelled = "".join(f" {s} is {name}." for s, name in zip(short, names, strict=True) if s != name)
    picture = Picture(
        name=file_name("matrix", split),
        drawing=matrix_figure(values, short),
        title=f"Corrected correlations, {split}",
        reading=f"Above the diagonal overall, below it within class.{spelled} {sentence}",
        alt=f"Corrected correlations of {len(names)} collections in {split}. {sentence}",
        kind="column" if len(names) <= 5 else "wide",
    )
    return [picture]


def _matrix_sentence(values: np.ndarray) -> str:
    """The range of what is above the diagonal."""
    upper = values[np.triu_indices(len(values), 1)]
    known = upper[np.isfinite(upper)]
    if not len(known):
        return "All are undefined."
    return f"Overall they lie between {number(known.min())} and {number(known.max())}" + (
        f"; {len(upper) - len(known)} are undefined." if len(known) < len(upper) else "."
    )


def _joint(
    split: str, comparison: Comparison, found: Mapping[str, Any], pair: Mapping[str, Any]
) -> Picture:
    """Exact counts of examples at each pair of accessibilities."""
    n_replicates = {c["name"]: c["n_replicates"] for c in found["collections"]}
    names = (pair["a"], pair["b"])
    short = (plot_name(pair["a"], "A"), plot_name(pair["b"], "B"))
    a, b = (np.asarray(comparison.accessibility[name]) for name in names)
    n_votes = [n_replicates[name] * comparison.n_points for name in names]
    counts = lattice.joint_counts(a, n_votes[0], b, n_votes[1])
    near = percent(np.mean(np.abs(a - b) <= 0.1))
    spelled = "".join(f"{s}: {n}. " for s, n in zip(short, names, strict=True) if s != n)
    return Picture(
        name=file_name("joint", split, *names),
        drawing=joint_figure(counts, *(Side(f"accessibility, {name}") for name in short)),
        title=f"{pair['a']} against {pair['b']}, {split}",
        reading=f"{spelled}{reading.pair_sentence(pair, named=False)}",
        alt=f"Accessibility of {len(a):,} examples in {pair['a']} (horizontal) and {pair['b']} "
        f"(vertical): {near} lie within 0.1 of each other.",
        kind="square",
        plane=_plane(split, comparison, names, n_votes, counts.shape),
    )


def _plane(
    split: str,
    comparison: Comparison,
    names: tuple[str, str],
    n_votes: Sequence[int],
    shape: tuple[int, ...],
) -> Plane | None:
    """What a cell selects; only on the clock of epochs, which the page's columns go by."""
    if comparison.clock != "epoch":
        return None
    axes = [
        Axis(f"{columns.ACCESSIBILITY}, {name}", lattice.merge_width(n), cells)
        for name, n, cells in zip(names, n_votes, shape, strict=True)
    ]
    return Plane(split, BOX, *axes)
