"""What a person sees of the examples of a split: from the log, or from the dataset itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import ExamplesDiffer, LearnOrderError
from learnorder.ids import first_difference
from learnorder.schema import Ids, Previews

if TYPE_CHECKING:
    from learnorder.datasets.dataset import Dataset
    from learnorder.report.measured import LogLike


class Shown(Protocol):
    """Pictures or texts of some examples, by their place among these."""

    @property
    def positions(self) -> NDArray[np.int64]:
        """``(shown,)`` positions in the split, ascending."""
        ...

    @property
    def has_images(self) -> bool:
        """Whether they are pictures; otherwise they are texts."""
        ...

    def image(self, i: int) -> NDArray[np.uint8]:
        """``(height, width[, 3])``."""
        ...

    def text(self, i: int) -> str:
        """An excerpt."""
        ...


@dataclass(frozen=True)
class InLog:
    """Those that a log keeps."""

    kept: Previews

    @property
    def positions(self) -> NDArray[np.int64]:
        """Positions in the split."""
        return self.kept.positions

    @property
    def has_images(self) -> bool:
        """Whether they are pictures."""
        return self.kept.images is not None

    def image(self, i: int) -> NDArray[np.uint8]:
        """One picture."""
        if self.kept.images is None:
            raise LearnOrderError("render_report: these previews are texts.")
        found: NDArray[np.uint8] = self.kept.images[i]
        return found

    def text(self, i: int) -> str:
        """One text."""
        if self.kept.texts is None:
            raise LearnOrderError("render_report: these previews are pictures.")
        return self.kept.texts[i]


class InDataset:
    """Those of every example, made when they are asked for."""

    def __init__(self, dataset: Dataset, split: str) -> None:
        self._dataset, self._split = dataset, dataset.splits[split]
        self.positions = np.arange(len(self._split), dtype=np.int64)
        self.has_images = dataset.kind == "image"

    def _preview(self, i: int) -> Previews:
        from learnorder.datasets.previews import previews_at

        return previews_at(self._split, self._dataset.kind, np.array([i], dtype=np.int64))

    def image(self, i: int) -> NDArray[np.uint8]:
        """One picture."""
        return InLog(self._preview(i)).image(0)

    def text(self, i: int) -> str:
        """One text."""
        return InLog(self._preview(i)).text(0)


def kept_in(log: LogLike, split: str) -> Shown | None:
    """What the log keeps of a split, or None."""
    kept = log.previews(split)
    return None if kept is None or (kept.images is None and kept.texts is None) else InLog(kept)


def supplied(logs: Mapping[str, LogLike], path: Path) -> dict[str, Shown]:
    """By split, pictures or texts of every example, from the dataset that the logs are about.

    Raises
    ------
    DataNotFound
        The dataset is not there.
    ExamplesDiffer
        It holds other examples than the logs.
    LearnOrderError
        The logs do not say which dataset they are about, or it has neither pictures nor texts.
    """
    from learnorder.datasets.extra import with_test_set
    from learnorder.training.data_tables import DatasetSpec, ExtraSpec

    found: dict[str, Shown] = {}
    for name, log in logs.items():
        about = log.spec.get("dataset")
        if not isinstance(about, Mapping) or "name" not in about:
            raise LearnOrderError(
                f"render_report: the log {name!r} does not say which dataset it is about, so no "
                "data can be shown for it. A log that was trained from a spec does. Leave the "
                "data out: what the log keeps is shown."
            )
        if set(log) <= set(found):
            continue
        nested = path / str(about["name"])
        place = str(nested if nested.is_dir() else path)
        dataset = DatasetSpec.model_validate({**about, "path": place}).load()
        for extra, table in (log.spec.get("extra") or {}).items():
            dataset = with_test_set(dataset, extra, **dict(ExtraSpec.model_validate(table)))
        if dataset.kind == "features":
            raise LearnOrderError(
                f"render_report: the dataset {dataset.name!r} holds features, neither pictures nor "
                "texts. There is nothing to show. Leave the data out."
            )
        for split in set(log) - set(found):
            _require_same(name, split, log[split]["example"].values, dataset)
            found[split] = InDataset(dataset, split)
    return found


def _require_same(name: str, split: str, ids: Ids, dataset: Dataset) -> None:
    """Refuse a dataset whose split holds other examples than the log."""
    there = dataset.splits[split].examples.ids if split in dataset.splits else np.array([])
    difference = first_difference(ids, there)
    if difference is None:
        return
    at, a, b = difference
    raise ExamplesDiffer(
        f"render_report: the log {name!r} and the dataset {dataset.name!r} hold different examples "
        f"in {split!r} ({len(ids)} and {len(there)}; the first difference is at position {at}: id "
        f"{a} and {b}). The report shows the data a log was made from. Give the path of that data."
    )
