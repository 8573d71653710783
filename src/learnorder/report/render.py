"""Logs in, one HTML file out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.report.document import DEFAULT_MOST_BYTES, Content, fit
from learnorder.report.measured import LogLike, Measured, measure_split
from learnorder.report.place import require_replaceable, write_figures, write_page
from learnorder.report.sections.agreement import agreement_section
from learnorder.report.sections.answer import answer_table, answers, common_notes, left_out
from learnorder.report.sections.baselines import baselines_section
from learnorder.report.sections.comparison import comparison_section
from learnorder.report.sections.data_map import data_map_section
from learnorder.report.sections.distribution import distribution_section
from learnorder.report.sections.kappa import kappa_section
from learnorder.report.sections.learning import learning_section
from learnorder.report.sections.provenance import provenance_of
from learnorder.report.sections.replicates import replicates_section
from learnorder.report.shown import Shown, kept_in, supplied
from learnorder.schema import LABEL, PREDICTION

if TYPE_CHECKING:
    from learnorder.comparison.clocks import Clock
    from learnorder.comparison.compare import Comparison

Loaded = dict[str, dict[str, xr.Dataset]]
"""Splits by collection."""

MOST_LOADED = 128 << 20
"""Bytes of predictions that are kept in memory; larger logs are read again for each part."""


def render_report(
    logs: Mapping[str, LogLike],
    out: Path | str,
    *,
    comparison: Mapping[str, Comparison] | None = None,
    examples: bool = True,
    data: Path | str | None = None,
    figures: Path | str | None = None,
    most_bytes: int = DEFAULT_MOST_BYTES,
) -> Path:
    """One self-contained HTML file about one or more collections; returns its path.

    The file needs no network, and no JavaScript but for selecting examples. It is written beside
    its place and moved there when it is complete, so that nothing half-written is ever left.

    Parameters
    ----------
    logs
        Open logs by the name under which the page speaks of them.
    out
        Where the file goes. Folders are made; an older report is replaced, any other file is not.
    comparison
        Comparisons by split, if they are there already; otherwise every split with labels that
        all logs have is compared here.
    examples
        Whether the page holds anything of single examples: pictures, texts, ids, labels.
    data
        Where the dataset of the logs lies, for pictures or texts of every example: its own folder
        or file, or the folder in which its folder has its name. Without it, those that the logs
        keep are shown.
    figures
        A folder for every figure of the page as SVG, PDF and PNG, fit for a paper.
    most_bytes
        The page is never larger. What does not fit is left out, and the page says what.

    Raises
    ------
    LearnOrderError
        There is no log, a log has no finished replicate, ``out`` or ``figures`` cannot be written,
        or not even the text of the page fits into ``most_bytes``.
    ExamplesDiffer
        The logs are not about the same examples, or the data is about others.
    DataNotFound
        There is no data where it was looked for.
    """
    target = Path(out)
    require_replaceable(target)
    loaded = _load(logs)
    matched: Mapping[str, Comparison] = {}
    if comparison is None:
        comparison = _compare(loaded, "epoch")
        matched = _compare(loaded, "accuracy")
    given = supplied(logs, Path(data)) if examples and data is not None else {}
    found = _measure(logs, loaded, given, examples)
    content = _content(logs, found, comparison, matched)
    page = fit(content, found if examples else (), most_bytes)
    if figures is not None:
        write_figures(content.pictures(), Path(figures))
    write_page(target, page)
    return target


def _load(logs: Mapping[str, LogLike]) -> Loaded:
    """Every split, in memory where all of them are small, because each is read more than once."""
    if not logs:
        raise LearnOrderError(
            "render_report: no log was given. A report needs at least one. "
            "Pass a mapping from a name to an open log."
        )
    opened = {name: {split: log[split] for split in log} for name, log in logs.items()}
    n_bytes = sum(log[PREDICTION].nbytes for splits in opened.values() for log in splits.values())
    order = _split_names(opened)
    return {
        name: {
            split: splits[split].compute() if n_bytes <= MOST_LOADED else splits[split]
            for split in order
            if split in splits
        }
        for name, splits in opened.items()
    }


def _split_names(loaded: Loaded) -> list[str]:
    """Every split of any log: train, test, then the others by name."""
    names = {split for splits in loaded.values() for split in splits}
    return [s for s in ("train", "test") if s in names] + sorted(names - {"train", "test"})


def _compare(loaded: Loaded, clock: Clock) -> dict[str, Comparison]:
    """Comparison of every split that all logs have, with labels."""
    if len(loaded) < 2:
        return {}
    from learnorder.comparison.compare import compare

    shared = [
        split
        for split in _split_names(loaded)
        if all(split in splits and LABEL in splits[split] for splits in loaded.values())
    ]
    return {split: compare({n: loaded[n][split] for n in loaded}, clock) for split in shared}


def _measure(
    logs: Mapping[str, LogLike],
    loaded: Loaded,
    given: Mapping[str, Shown],
    examples: bool,
) -> list[Measured]:
    """Every split of every collection: all collections of a split, then the next."""
    found = []
    for split in _split_names(loaded):
        for name in loaded:
            if split in loaded[name]:
                shown = given.get(split) or kept_in(logs[name], split) if examples else None
                found.append(
                    measure_split(name, split, loaded[name][split], shown, alone=len(loaded) == 1)
                )
    return found


def _content(
    logs: Mapping[str, LogLike],
    found: list[Measured],
    comparison: Mapping[str, Comparison],
    matched: Mapping[str, Comparison],
) -> Content:
    """Everything the page says, but for single examples."""
    sections = [
        learning_section(found),
        distribution_section(found),
        agreement_section(found),
        kappa_section(found),
        replicates_section(found),
        comparison_section(comparison, matched),
        baselines_section(found),
        data_map_section(found),
    ]
    return Content(
        names=tuple(logs),
        answers=answers(found, comparison),
        notes=common_notes(found),
        table=answer_table(found),
        left_out=left_out(found),
        sections=[section for section in sections if section.parts],
        provenance=[provenance_of(name, log) for name, log in logs.items()],
    )
