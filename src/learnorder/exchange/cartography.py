"""Training dynamics as Dataset Cartography keeps them: a JSONL file of logits for each epoch.

A folder ``training_dynamics`` of one network has ``dynamics_epoch_<N>.jsonl``, each line
``{"guid": ..., "logits_epoch_<N>": [...], "gold": ...}``; N counts from 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.exchange.column import Column
from learnorder.exchange.content import Content
from learnorder.exchange.gather import Gathering
from learnorder.exchange.json_lines import read_lines
from learnorder.exchange.of_logits import LARGEST, of_label_plane
from learnorder.exchange.tables import Choices
from learnorder.schema import LABEL, PREDICTION

FILE = re.compile(r"dynamics_epoch_([0-9]{1,6})\.jsonl")
FOLDER = "training_dynamics"
SEED_FOLDER = re.compile(r"seed[_-]?([0-9]{1,18})")
LINES = 1 << 14
"""Lines that are held at once."""


def dynamics_of(folder: Path) -> list[Path]:
    """Files of one network in a folder, or in ``training_dynamics`` below it, by epoch."""
    for place in (folder, folder / FOLDER):
        if place.is_dir():
            found = {p: FILE.fullmatch(p.name) for p in sorted(place.iterdir())}
            numbered = sorted((int(m[1]), p) for p, m in found.items() if m is not None)
            if numbered:
                return [path for _, path in numbered]
    return []


def runs_of(paths: Sequence[Path]) -> list[tuple[Path, list[Path]]]:
    """Networks among folders and files: the folder of each, and its files by epoch.

    A folder without such files may have folders of several networks.
    """
    files = [path for path in paths if path.is_file()]
    runs = [(files[0].parent, files)] if files else []
    for folder in (path for path in paths if path.is_dir()):
        if own := dynamics_of(folder):
            runs.append((folder, own))
        else:
            below = [p for p in sorted(folder.iterdir()) if p.is_dir()]
            runs += [(p, found) for p in below if (found := dynamics_of(p))]
    return runs


def content_of_cartography(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of training dynamics; file N is what was predicted after epoch N + 1.

    Predictions are the classes of the highest logits; what a log may record of the label is found
    from the logits.

    Raises
    ------
    LearnOrderError
        There are no such files, or a line is no record, or records do not fit together.
    """
    runs = runs_of(paths)
    if not runs:
        raise LearnOrderError(
            f"import: {paths[0]} has no dynamics_epoch_<N>.jsonl, nor has a folder in it. Training "
            "dynamics of cartography are such files. Check the path."
        )
    gathering = Gathering(choices.class_names, typed=True)
    n_classes: set[int] = set()
    for seed, (_, files) in zip(_seeds(runs, choices), runs, strict=True):
        for path in files:
            match = FILE.fullmatch(path.name)
            if match is None:
                raise LearnOrderError(
                    f"import: {path} is not called dynamics_epoch_<N>.jsonl. The name says the "
                    "epoch. Rename it."
                )
            n_classes |= _read(path, int(match[1]), seed, choices.split, gathering)
    if len(n_classes) > 1:
        raise LearnOrderError(
            f"import: records have {min(n_classes)} to {max(n_classes)} logits. All have one for "
            "each class. Check the files."
        )
    content = gathering.finish(str(paths[0]))
    if choices.class_names is None and n_classes:
        # a class that nobody predicts and no example has is one all the same
        names = [str(k) for k in range(n_classes.pop())]
        content = Content(names, content.grids, content.splits, content.notes)
    return content


def _seeds(runs: Sequence[tuple[Path, Any]], choices: Choices) -> Sequence[int]:
    """Return those that were chosen, or that names of folders say, or 0, 1, ..."""
    if choices.seeds is not None:
        if len(choices.seeds) != len(runs):
            raise LearnOrderError(
                f"import: {len(choices.seeds)} seeds are given for {len(runs)} networks. Each has "
                "one seed. Give as many, in the order of the folders."
            )
        return choices.seeds
    named = [SEED_FOLDER.fullmatch(folder.resolve().name) for folder, _ in runs]
    if all(named):
        seeds = [int(match[1]) for match in named if match is not None]
        if len(set(seeds)) == len(seeds):
            return seeds
    return range(len(runs))


def _read(path: Path, number: int, seed: int, split: str, gathering: Gathering) -> set[int]:
    counts = set()
    for first, records in _batches(path):
        ids, golds, logits = [], [], []
        for offset, record in enumerate(records):
            row = _row(record, number, f"line {first + offset:,} of {path}")
            ids.append(row[0])
            golds.append(row[1])
            logits.append(row[2])
        widths = {len(of_one) for of_one in logits}
        counts |= widths
        if len(widths) > 1:
            raise LearnOrderError(
                f"import: {path} has records of {min(widths)} and of {max(widths)} logits. All "
                "have one for each class. Check the file."
            )
        _take(gathering, path, first, seed, number, split, ids, golds, np.array(logits))
    return counts


def _take(
    gathering: Gathering,
    path: Path,
    first: int,
    seed: int,
    number: int,
    split: str,
    ids: list[Any],
    golds: list[Any],
    logits: NDArray[np.float64],
) -> None:
    labels = np.array(golds, dtype=np.int64)
    if (labels >= logits.shape[1]).any() or (labels < 0).any():
        bad = int(np.argmax((labels >= logits.shape[1]) | (labels < 0)))
        raise LearnOrderError(
            f"import: gold is {labels[bad]} in line {first + bad:,} of {path}, which has "
            f"{logits.shape[1]} logits. It is a class id, counted from 0. Check the file."
        )
    values: Mapping[str, Any] = {
        "id": np.array([*ids, None], dtype=object)[:-1],
        LABEL: labels,
        PREDICTION: logits.argmax(axis=1),
        **of_label_plane(logits, labels, logits=True),
    }
    columns = {
        name: Column({"id": "guid", LABEL: "gold"}.get(name, name), str(path), first, of_name)
        for name, of_name in values.items()
    }
    gathering.take(columns, seed, float(number + 1), split)


def _batches(path: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    first, held = 1, []
    for line, record in read_lines(path):
        held.append(record)
        if len(held) == LINES:
            yield first, held
            first, held = line + 1, []
    if held:
        yield first, held


def _row(record: Mapping[str, Any], number: int, where: str) -> tuple[Any, int, list[float]]:
    key = f"logits_epoch_{number}"
    for name in ("guid", key, "gold"):
        if name not in record:
            raise LearnOrderError(
                f"import: {where} has no {name!r}; it has: {', '.join(list(record)[:10])}. A "
                f"record has guid, {key} and gold. Check the file."
            )
    guid, gold, logits = record["guid"], record["gold"], record[key]
    if type(guid) not in (int, str) or type(gold) is not int or not 0 <= gold < 2**31:
        raise LearnOrderError(
            f"import: guid is {guid!r} and gold is {gold!r} in {where}. guid is a whole number or "
            "a text, gold a class id. Check the file."
        )
    numbers = isinstance(logits, list) and all(type(v) in (int, float) for v in logits)
    # the comparison refuses NaN too, and holds for whole numbers of any size
    if not numbers or not logits or not all(-LARGEST < v < LARGEST for v in logits):
        raise LearnOrderError(
            f"import: {key} in {where} is no list of finite numbers ({json.dumps(logits)[:60]}). "
            "It has one for each class; what was predicted is not known. Leave that epoch out."
        )
    return guid, gold, logits
