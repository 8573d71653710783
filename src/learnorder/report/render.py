"""Logs in, one HTML file out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from learnorder.comparison.compare import compare
from learnorder.errors import LearnOrderError
from learnorder.log.files import write_durably
from learnorder.report import reading
from learnorder.report.page import GENERATOR, fill_page
from learnorder.report.pairs import ComparisonView, comparison_view
from learnorder.report.views import (
    LogLike,
    SplitView,
    accuracy_pictures,
    split_view,
)
from learnorder.schema import LABEL, PREDICTION

if TYPE_CHECKING:
    from learnorder.comparison.compare import Comparison

Loaded = dict[str, dict[str, xr.Dataset]]
"""Splits by collection."""

EXAMPLES_AT_EACH_END = 12
MOST_LOADED = 128 << 20
"""Bytes of predictions that are kept in memory; larger logs are read again for each part."""

MOST_CARDS = 192
"""Cards on one page; with more collections or splits each gallery gets fewer, and says so."""


def render_report(
    logs: Mapping[str, LogLike],
    out: Path | str,
    *,
    comparison: Mapping[str, Comparison] | None = None,
    examples: bool = True,
) -> Path:
    """One self-contained HTML file about one or more collections; returns its path.

    The file needs no network and no JavaScript. It is written beside its place and moved there
    when it is complete, so that nothing half-written is ever left.

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
        Whether the page shows examples (their pictures, texts and ids).

    Raises
    ------
    LearnOrderError
        There is no log, a log has no finished replicate, or ``out`` cannot be written.
    ExamplesDiffer
        The logs are not about the same examples.
    """
    target = Path(out)
    _require_replaceable(target)
    loaded = _load(logs)
    if comparison is None:
        comparison = _compare(loaded)
    most = _cards_at_each_end(loaded) if examples else 0
    views = [
        split_view(name, split, loaded[name][split], logs[name].previews(split), most)
        for split in _split_names(loaded)
        for name in loaded
        if split in loaded[name]
    ]
    comparisons = [comparison_view(split, found) for split, found in comparison.items()]
    _write(target, fill_page(_values(logs, loaded, views, comparisons, most)))
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


def _compare(loaded: Loaded) -> dict[str, Comparison]:
    """Comparison of every split that all logs have, with labels."""
    if len(loaded) < 2:
        return {}
    shared = [
        split
        for split in _split_names(loaded)
        if all(split in splits and LABEL in splits[split] for splits in loaded.values())
    ]
    return {split: compare({name: loaded[name][split] for name in loaded}) for split in shared}


def _cards_at_each_end(loaded: Loaded) -> int:
    """Cards at each end of each gallery, so that the page stays small."""
    n_ends = 2 * sum(map(len, loaded.values()))
    return max(1, min(EXAMPLES_AT_EACH_END, MOST_CARDS // n_ends))


def _values(
    logs: Mapping[str, LogLike],
    loaded: Loaded,
    views: list[SplitView],
    comparisons: list[ComparisonView],
    most: int,
) -> dict[str, Any]:
    """Everything the template names."""
    by_split: dict[str, list[SplitView]] = {}
    for view in views:
        by_split.setdefault(view.split, []).append(view)
    return {
        "title": "Learning order: " + ", ".join(logs),
        "software": version("learnorder"),
        "names": list(logs),
        "by_split": by_split,
        "views": views,
        "accuracy": accuracy_pictures(loaded),
        "comparisons": comparisons,
        "left_out": {name: _left_out(splits) for name, splits in loaded.items()},
        "most": most,
        "provenance": {name: _provenance(log) for name, log in logs.items()},
        "bimodality_alone": reading.BIMODALITY_ALONE,
    }


def _left_out(splits: Mapping[str, xr.Dataset]) -> str:
    """Replicates no number contains, named once for each collection."""
    seen: dict[Any, Mapping[str, Any]] = {}
    for log in splits.values():
        for entry in log.attrs.get("left_out") or ():
            seen.setdefault(entry.get("seed"), entry)
    return reading.left_out_sentence(list(seen.values()))


def _provenance(log: LogLike) -> dict[str, str]:
    """Label and text of everything that says where the numbers come from."""
    texts = {key.replace("_", " "): _as_text(value) for key, value in log.provenance.items()}
    return {**texts, "spec": json.dumps(log.spec, indent=2, ensure_ascii=False, default=str)}


def _as_text(value: Any) -> str:
    """A value for reading: texts as they are, collections on one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_as_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_as_text(item) for item in value)
    return "not recorded" if value is None else str(value)


def _require_replaceable(target: Path) -> None:
    """Refuse to overwrite anything but an older report."""
    if target.is_dir():
        raise LearnOrderError(
            f"render_report: {str(target)!r} is a folder. The report is one file. "
            f"Write it to {str(target / 'report.html')!r}."
        )
    if target.exists() and not target.is_file():
        raise LearnOrderError(
            f"render_report: {str(target)!r} is a device or a pipe. The report replaces a whole "
            "file. Write it to a file, such as 'report.html'."
        )
    if not target.exists() or target.stat().st_size == 0:
        return
    with target.open("rb") as file:
        start = file.read(2000)
    if GENERATOR.encode() not in start:
        raise LearnOrderError(
            f"render_report: {str(target)!r} exists and is not a report of learnorder. "
            "Only an older report is replaced. Choose another name, or delete the file."
        )


def _write(target: Path, page: str) -> None:
    """Put the page in its place, whole; the file system's refusal is one line."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, page.encode())
    except OSError as error:
        raise LearnOrderError(
            f"render_report: {str(target)!r} cannot be written ({error.strerror or error}). "
            "The report needs a folder that this process may write to. Choose another place."
        ) from error
