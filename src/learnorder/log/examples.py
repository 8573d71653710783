"""What a log keeps beside the predictions: ids, labels, previews and baselines of the examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LogDamaged
from learnorder.log.arrays import create_group, read_array, write_array
from learnorder.log.baselines import Baselines
from learnorder.log.layout import MANIFEST, Header, SplitHeader, examples_folder
from learnorder.log.manifest import damaged_files
from learnorder.schema import LABEL, TRUE_LABEL, Examples, Previews

BASELINE_PREFIX = "baseline_"
"""How names of arrays begin that hold a baseline."""


def write_examples(
    log: Path, split: str, examples: Examples, previews: Previews | None, baselines: Baselines
) -> SplitHeader:
    """Write them once, when the log is created; the returned part of the header protects them."""
    folder = examples_folder(log, split)
    create_group(folder)
    columns: dict[str, NDArray[Any]] = {}
    if examples.ids.dtype.kind in "iu":
        columns["id"] = examples.ids.astype(np.int64)
    else:
        columns |= _as_bytes("id", [str(i) for i in examples.ids])
    if examples.labels is not None:
        columns[LABEL] = examples.labels.astype(np.int64)
    if examples.true_labels is not None:
        columns[TRUE_LABEL] = examples.true_labels.astype(np.int64)
    if previews is not None:
        columns["preview_position"] = previews.positions.astype(np.int64)
        if previews.images is not None:
            columns["preview_image"] = previews.images
        if previews.texts is not None:
            columns |= _as_bytes("preview_text", previews.texts)
    for name, values in baselines.items():
        columns[f"{BASELINE_PREFIX}{name}"] = values.astype(np.float32)
    written = {name: write_array(folder / name, column) for name, column in columns.items()}
    return SplitHeader(len(examples), examples.fingerprint(), written)


def read_examples(log: Path, header: Header, split: str) -> Examples:
    """Read ids and labels back, checked against the fingerprint in the header."""
    columns = _Columns(log, split, header)
    ids = columns["id"] if "id" in columns else _as_ids(columns.strings("id"))
    examples = Examples(ids, columns.get(LABEL), columns.get(TRUE_LABEL))
    if examples.fingerprint() != header.splits[split].fingerprint:
        raise LogDamaged(
            f"log: the ids and labels of split {split!r} in {log} differ from the fingerprint in "
            "the header. They never change once written. Restore the folder from a copy."
        )
    return examples


def has_previews(header: Header, split: str) -> bool:
    """Whether a log keeps thumbnails or excerpts of a split."""
    return "preview_position" in header.splits[split].arrays


def read_previews(log: Path, header: Header, split: str) -> Previews | None:
    """Read thumbnails or excerpts back; None where the log has none."""
    if not has_previews(header, split):
        return None
    columns = _Columns(log, split, header)
    texts = tuple(columns.strings("preview_text")) if "preview_text_bytes" in columns else None
    return Previews(columns["preview_position"], columns.get("preview_image"), texts)


def read_baselines(log: Path, header: Header, split: str) -> Baselines:
    """Read baselines back, by name; empty where the log has none."""
    columns = _Columns(log, split, header)
    names = [n for n in header.splits[split].arrays if n.startswith(BASELINE_PREFIX)]
    return {name.removeprefix(BASELINE_PREFIX): columns[name] for name in names}


class _Columns:
    """Arrays of one split by name, each held against its checksum when read."""

    def __init__(self, log: Path, split: str, header: Header) -> None:
        self._log, self._folder = log, examples_folder(log, split)
        self._checks: Mapping[str, int] = header.splits[split].arrays

    def __contains__(self, name: str) -> bool:
        return name in self._checks

    def __getitem__(self, name: str) -> NDArray[Any]:
        folder = self._folder / name
        try:
            return read_array(folder, self._checks[name])
        except LogDamaged as error:
            # the manifest knows which file it is
            damaged = damaged_files(self._log, self._log / MANIFEST)
            for path, what in damaged:
                if path.parent == folder:
                    raise LogDamaged(
                        f"log: {path} {what}. It never changes once written. "
                        "Restore the file from a copy."
                    ) from error
            raise

    def get(self, name: str) -> NDArray[Any] | None:
        return self[name] if self._checks.keys() >= {name} else None

    def strings(self, name: str) -> list[str]:
        content, ends = self[f"{name}_bytes"].tobytes(), self[f"{name}_end"].tolist()
        starts = [0, *ends[:-1]]
        return [content[a:b].decode() for a, b in zip(starts, ends, strict=True)]


def _as_bytes(name: str, strings: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Two plain arrays: Zarr v3 has no settled type for strings of any length."""
    encoded = [s.encode("utf-8", errors="replace") for s in strings]
    content = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {f"{name}_bytes": content, f"{name}_end": np.cumsum([len(e) for e in encoded])}


def _as_ids(strings: list[str]) -> NDArray[Any]:
    return np.array(strings, dtype=np.str_)
