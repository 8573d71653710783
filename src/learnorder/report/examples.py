"""What the page knows of all examples, packed: so that a selection can be made while reading.

Whole numbers are packed by type, compressed, and written in base64. Whatever does not fit into the
room that is left is left out, and named.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.report.columns import Column, columns_of
from learnorder.report.gallery import MOST_TEXT, class_name
from learnorder.report.measured import Measured
from learnorder.report.sections.grouped import by_split
from learnorder.report.sheets import Sheet, Sheets
from learnorder.report.shown import Shown
from learnorder.report.visible import visible
from learnorder.schema import Ids

FRAME = 200
"""Bytes that every item takes besides its data."""

SAMPLE = 256
"""Pictures by which it is estimated how many fit."""

EACH = 8
"""Bytes that say where a picture lies."""

TRIES = 5
"""Times that a sheet is made smaller until it fits."""

SHRINK = 0.75

TYPES: Mapping[int, str] = {1: "u1", 2: "u2", 4: "u4"}


@dataclass
class Room:
    """Bytes that are left on the page, and what did not fit into them."""

    n_bytes: int
    left_out: list[str] = field(default_factory=list)

    def fits(self, item: Any) -> bool:
        """Whether there was room for an item, which is less now."""
        size = len(as_script(item)) + FRAME
        if size > self.n_bytes:
            return False
        self.n_bytes -= size
        return True

    def take(self, item: Any, what: str) -> bool:
        """Whether there was room for an item; if not, it is left out by name."""
        found = self.fits(item)
        if not found:
            self.left_out.append(what)
        return found


def as_script(value: Any) -> str:
    """JSON that cannot end the element it stands in, and that no parser reads as anything else."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Unsigned whole numbers in few bytes.

    Examples
    --------
    >>> packed(np.array([1, 2], dtype=np.uint8))
    {'type': 'u1', 'data': 'eJxjZAIAAAYABA=='}
    """
    plain = np.ascontiguousarray(values).astype(f"<u{values.dtype.itemsize}")
    return {"type": TYPES[values.dtype.itemsize], "data": _deflated(plain.tobytes())}


def _packed_json(value: Any) -> dict[str, Any]:
    """Texts in few bytes."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return {"type": "json", "data": _deflated(text)}


def _deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def _ids(ids: Ids) -> dict[str, Any]:
    """Ids exactly as they are: numbers as steps, since they mostly ascend; all else as text."""
    if ids.dtype.kind in "iu" and len(ids) and ids.min() >= 0 and ids.max() < 1 << 32:
        steps = np.diff(ids.astype(np.int64), prepend=0).astype(np.uint32)  # modulo 2**32
        return {"steps": packed(steps)}
    return {"texts": _packed_json([str(i) for i in ids])}


@dataclass(frozen=True)
class Selectable:
    """The examples of a page, ready for it.

    Attributes
    ----------
    payload
        What the page's script reads.
    sheets
        Thumbnails beside those of the galleries.
    left_out
        What did not fit.
    """

    payload: Mapping[str, Any]
    sheets: tuple[Sheet, ...]
    left_out: tuple[str, ...]


def selectable(found: Sequence[Measured], gallery_sheets: Sheets, n_bytes: int) -> Selectable:
    """As much of every example as fits into ``n_bytes``, the most asked for first."""
    room = Room(n_bytes)
    groups = by_split(found)
    splits: dict[str, dict[str, Any]] = {name: _frame(of[0]) for name, of in groups.items()}
    for name, of in groups.items():
        _add_names(splits[name], of[0], room)
    _add_columns(splits, found, room)
    sheets: list[Sheet] = []
    for name, of in groups.items():
        _add_previews(splits[name], of[0], gallery_sheets, sheets, room)
    for m in found:
        _add_trajectories(splits[m.split], m, room)
    return Selectable({"splits": list(splits.values())}, tuple(sheets), tuple(room.left_out))


def _frame(m: Measured) -> dict[str, Any]:
    return {
        "name": visible(m.split),
        "n": m.n_examples,
        "ids": None,
        "label": None,
        "classes": [],
        "columns": [],
        "trajectories": [],
        "tiles": None,
        "texts": None,
    }


def _add_names(split: dict[str, Any], m: Measured, room: Room) -> None:
    """Ids, labels and names of classes."""
    ids = _ids(m.ids)
    if room.take(ids, f"ids of {m.split} (positions stand for them)"):
        split["ids"] = ids
    if not m.labelled:
        return
    n_classes = int(m.log.attrs.get("n_classes") or m.label.max() + 1)
    classes = [visible(class_name(m, k)) for k in range(n_classes)]
    label = packed(m.label.astype(np.min_scalar_type(max(n_classes - 1, 0))))
    if room.take([classes, label], f"labels of {m.split}"):
        split["classes"], split["label"] = classes, label


def _add_columns(
    splits: Mapping[str, dict[str, Any]], found: Sequence[Measured], room: Room
) -> None:
    """The first column of every collection, then the second, and so on."""
    for layer in _layers([columns_of(m) for m in found]):
        for i, column in layer:
            split = found[i].split
            if _fits(splits[split], column, room):
                continue
            coarse = column.coarse()
            finer = coarse is not None and _fits(splits[split], coarse, room)
            named = f"“{column.name}” of {split}"
            room.left_out.append(f"finer steps of {named}" if finer else f"values of {named}")


def _fits(split: dict[str, Any], column: Column, room: Room) -> bool:
    """Whether a column is on the page now."""
    record = {
        "name": visible(column.name),
        "per": column.per,
        "most": int(column.votes.max()) if len(column.votes) else 0,
        "data": packed(column.votes),
    }
    fits = room.fits(record)
    if fits:
        split["columns"].append(record)
    return fits


def _layers(rows: Sequence[Iterable[Column]]) -> Iterator[list[tuple[int, Column]]]:
    """First items of all rows with the number of their row, then second ones."""
    iterators = [iter(row) for row in rows]
    while True:
        layer = [(i, item) for i, row in enumerate(iterators) for item in [next(row, None)] if item]
        if not layer:
            return
        yield layer


def _add_trajectories(split: dict[str, Any], m: Measured, room: Room) -> None:
    """TP-agreement of every example after every epoch."""
    if m.tp_counts is None:
        return
    record = {
        "name": visible(m.collection),
        "epochs": len(m.epochs),
        "per": m.n_replicates,
        "data": packed(m.tp_counts),
    }
    if room.take(record, f"trajectories of {m.name}"):
        split["trajectories"].append(record)


def _add_previews(
    split: dict[str, Any], m: Measured, gallery: Sheets, more: list[Sheet], room: Room
) -> None:
    """Thumbnails or excerpts: all that there are, or as many evenly spread ones as fit."""
    shown = m.shown
    if shown is None:
        return
    n_all = len(shown.positions)
    kind, what = ("tiles", "pictures") if shown.has_images else ("texts", "excerpts")
    n = _likely_to_fit(shown, room.n_bytes) if shown.has_images else n_all
    for _ in range(TRIES if n else 0):
        chosen, sheets = _spread(n_all, n), Sheets(f"more-{len(more)}")
        record = (
            _tiles(shown, chosen, gallery, sheets) if shown.has_images else _texts(shown, chosen)
        )
        size = len(as_script(record)) + FRAME + sum(len(sheet.uri()) + FRAME for sheet in sheets)
        if size <= room.n_bytes:
            room.n_bytes -= size
            split[kind] = record
            more.extend(sheets)
            if n < n_all:
                room.left_out.append(f"{what} of {n_all - n:,} of {m.n_examples:,} in {m.split}")
            return
        n = int(n * min(SHRINK, 0.95 * max(room.n_bytes, 0) / size))
        if n == 0:
            break
    room.left_out.append(f"{what} of {m.split}, but for those in the galleries")


def _texts(shown: Shown, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Excerpts, and whether each was cut."""
    texts = [[visible(text[:MOST_TEXT]), len(text) > MOST_TEXT] for text in map(shown.text, chosen)]
    return {
        "positions": packed(shown.positions[chosen].astype(np.uint32)),
        "texts": _packed_json(texts),
    }


def _likely_to_fit(shown: Shown, n_bytes: int) -> int:
    """How many pictures fit, by what a sheet of some of them takes."""
    sample = Sheets("sample")
    n = min(len(shown.positions), SAMPLE)
    for i in _spread(len(shown.positions), n):
        sample.add(shown.image(i))
    each = sum(len(sheet.uri()) for sheet in sample) / n + EACH
    return max(0, min(len(shown.positions), int(n_bytes / each)))


def _tiles(
    shown: Shown, chosen: NDArray[np.int64], gallery: Sheets, more: Sheets
) -> dict[str, Any]:
    """Where each thumbnail lies: among those of the galleries, or among more of them."""
    tiles = [gallery.find(picture) or more.add(picture) for picture in map(shown.image, chosen)]
    names = sorted({tile.sheet for tile in tiles})
    return {
        "positions": packed(shown.positions[chosen].astype(np.uint32)),
        "sheets": names,
        "sheet": packed(np.array([names.index(tile.sheet) for tile in tiles], dtype=np.uint8)),
        "place": packed(np.array([tile.place for tile in tiles], dtype=np.uint32)),
        "width": tiles[0].width,
        "height": tiles[0].height,
    }


def _spread(n: int, n_chosen: int) -> NDArray[np.int64]:
    """Evenly spread positions."""
    return np.arange(n_chosen, dtype=np.int64) * n // max(n_chosen, 1)
