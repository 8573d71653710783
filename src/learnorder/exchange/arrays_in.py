"""Arrays of predictions, logits or probabilities, by name, as a `Content`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, nearest
from learnorder.exchange.array_files import read_npy, read_npy_folder, read_npz
from learnorder.exchange.content import Content, content_of_datasets
from learnorder.exchange.of_logits import of_label, predicted
from learnorder.exchange.tables import Choices
from learnorder.log.baselines import checked_baselines
from learnorder.log.labelled import from_arrays
from learnorder.schema import ERROR_NORM, MARGIN, OF_LABEL, PROBABILITY

VOTES, LOGITS, PROBABILITIES, PRED_PROBS = "predictions", "logits", "probabilities", "pred_probs"
PER_SPLIT = (
    VOTES,
    LOGITS,
    PROBABILITIES,
    PRED_PROBS,
    "labels",
    "true_labels",
    "ids",
    *OF_LABEL,
)
SHARED = ("seeds", "epochs", "class_names")
BASELINE = "baseline."


@dataclass(frozen=True)
class _Part:
    """Arrays of one split."""

    split: str
    arrays: Mapping[str, NDArray[Any]]
    baselines: Mapping[str, NDArray[Any]]


def content_of_npz(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of one npz file, see `content_of_arrays`."""
    path = _only(paths, "npz")
    return content_of_arrays(read_npz(path), choices, str(path))


def content_of_npy(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of a folder of npy files, or of one, which holds the predictions."""
    path = _only(paths, "npy")
    arrays = read_npy_folder(path) if path.is_dir() else {VOTES: read_npy(path)}
    return content_of_arrays(arrays, choices, str(path))


def _only(paths: Sequence[Path], what: str) -> Path:
    if len(paths) > 1:
        raise LearnOrderError(
            f"import: {len(paths)} sources are given; arrays of all seeds are in one {what}. Stack "
            "them along the first axis, or import each into a log of its own."
        )
    return paths[0]


def content_of_arrays(arrays: Mapping[str, NDArray[Any]], choices: Choices, where: str) -> Content:
    """Content of arrays by name.

    ``predictions`` are ``(replicate, epoch, example)`` class ids; without the first axis there is
    one replicate, without the second too one epoch. ``logits`` or ``probabilities`` take their
    place, with a last axis for the classes: then what a log may record of the label is found too.
    ``pred_probs`` are ``(example, class)`` or ``(replicate, example, class)``, of one epoch.
    Where there are several splits, names end in the split: ``predictions_train``.

    Raises
    ------
    LearnOrderError
        An array is unknown or missing, or has another shape or type than it should have.
    """
    _refuse_scores(arrays, where)
    parts = _parts(arrays, choices.split, where)
    shared = {name: arrays[name] for name in SHARED if name in arrays}
    names = choices.class_names
    if names is None and "class_names" in shared:
        names = _texts(shared["class_names"], f"class_names in {where}")
    _check_lists(arrays, where)
    seeds = shared.get("seeds")
    if choices.seeds is not None and seeds is not None:
        raise LearnOrderError(
            f"import: seeds are given, and {where} says them itself. Leave them out."
        )
    if seeds is not None and seeds.dtype.kind not in "iu":
        raise LearnOrderError(
            f"import: seeds in {where} are of type {seeds.dtype}. They are whole numbers from 0 "
            "up, one for each replicate. Save them as integers."
        )
    if choices.seeds is not None:
        seeds = np.asarray(choices.seeds)
    n_classes = _count_of_all(parts, where)
    names = names or [str(k) for k in range(n_classes)]
    datasets = {p.split: _dataset(p, names, seeds, shared.get("epochs"), where) for p in parts}
    content = content_of_datasets(datasets)
    return _with_true_labels(content, parts, where)


def _dataset(
    part: _Part,
    names: Sequence[str],
    seeds: NDArray[Any] | None,
    epochs: NDArray[Any] | None,
    where: str,
) -> Any:
    scores = next((n for n in (LOGITS, PROBABILITIES, PRED_PROBS) if n in part.arrays), None)
    about = f"of split {part.split!r} in {where}"
    labels = part.arrays.get("labels")
    recorded: dict[str, Any] = {name: part.arrays.get(name) for name in OF_LABEL}
    recorded = {name: _grown(v, 3) for name, v in recorded.items() if v is not None}
    if scores is None:
        votes = _grown(part.arrays[VOTES], 3)
    else:
        values = part.arrays[scores]
        if scores == PRED_PROBS:
            values = values[None] if values.ndim == 2 else values
            values = values[:, None]
        values = _grown(values, 4)
        votes = predicted(values, len(names), f"{scores} {about}")
        if labels is not None and not recorded:
            recorded = of_label(values, labels, scores == LOGITS, f"{scores} {about}")
    try:
        return from_arrays(
            votes,
            labels,
            epochs=None if epochs is None else epochs.tolist(),
            seeds=None if seeds is None else seeds.tolist(),
            ids=part.arrays.get("ids"),
            class_names=list(names),
            split=part.split,
            probabilities=recorded.get(PROBABILITY),
            margins=recorded.get(MARGIN),
            error_norms=recorded.get(ERROR_NORM),
            baselines=checked_baselines(part.baselines, votes.shape[2], "import"),
        )
    except LearnOrderError as error:
        reason = str(error).removeprefix("from_arrays: ").removeprefix("import: ")
        raise LearnOrderError(f"import: split {part.split!r} in {where}: {reason}") from error


def _grown(values: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Put axes of length 1 in front; what has too many is refused later, with its shape."""
    return values[(None,) * max(0, ndim - values.ndim)]


def _with_true_labels(content: Content, parts: Sequence[_Part], where: str) -> Content:
    from dataclasses import replace

    splits = dict(content.splits)
    for part in parts:
        if (true := part.arrays.get("true_labels")) is not None:
            split = splits[part.split]
            n = len(split.examples)
            inside = true.dtype.kind in "iu" and true.shape == (n,)
            if not inside or not ((true >= 0) & (true < len(content.class_names))).all():
                raise LearnOrderError(
                    f"import: true_labels of split {part.split!r} in {where} have the type "
                    f"{true.dtype} and shape {true.shape}, or one is no class. They are {n} class "
                    f"ids from 0 to {len(content.class_names) - 1}. Correct them."
                )
            examples = replace(split.examples, true_labels=true.astype(np.int64))
            splits[part.split] = replace(split, examples=examples)
    return replace(content, splits=splits)


def _parts(arrays: Mapping[str, NDArray[Any]], split: str, where: str) -> list[_Part]:
    """Arrays by split; those whose names end in no split are of the one that was chosen."""
    found: dict[str | None, dict[str, NDArray[Any]]] = {}
    baselines: dict[str | None, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        if name in SHARED:
            continue
        if name.startswith(BASELINE):
            of, _, suffix = name.removeprefix(BASELINE).partition(".")
            baselines.setdefault(suffix or None, {})[of] = array
            continue
        part, ending = _split_name(name, where)
        found.setdefault(ending, {})[part] = array
    if None in found and len(found) > 1:
        named = next(ending for ending in found if ending is not None)
        raise LearnOrderError(
            f"import: {where} has an array {next(iter(found[None]))!r} of no split and others of "
            f"split {named!r}. All names end in a split, or none. Rename them."
        )
    if not found:
        found = {None: {}}
    for ending, of_split in found.items():
        given = [n for n in (VOTES, LOGITS, PROBABILITIES, PRED_PROBS) if n in of_split]
        if len(given) != 1:
            what = " and ".join(given) or f"none of {', '.join(PER_SPLIT[:4])}"
            raise LearnOrderError(
                f"import: {where} has {what}{f' for split {ending!r}' if ending else ''}; it has: "
                f"{', '.join(arrays) or 'nothing'}. One of these says what was predicted. Save it "
                "under that name."
            )
    return [
        _Part(ending or split, of_split, baselines.get(ending, {}))
        for ending, of_split in found.items()
    ]


def _split_name(name: str, where: str) -> tuple[str, str | None]:
    for part in sorted(PER_SPLIT, key=len, reverse=True):
        if name == part:
            return part, None
        if name.startswith(f"{part}_"):
            return part, name.removeprefix(f"{part}_")
    raise LearnOrderError(
        f"import: {where} has an array {name!r}. {nearest(name, (*PER_SPLIT, *SHARED))} "
        "A name may end in _ and its split. Rename it, or leave it out."
    )


def _count_of_all(parts: Sequence[_Part], where: str) -> int:
    """Classes of all splits together."""
    highest = 0
    for part in parts:
        for name in (LOGITS, PROBABILITIES, PRED_PROBS):
            if name in part.arrays:
                highest = max(
                    highest, part.arrays[name].shape[-1:][0] - 1 if part.arrays[name].ndim else 0
                )
        for name in (VOTES, "labels", "true_labels"):
            values = part.arrays.get(name)
            if values is None:
                continue
            if values.dtype.kind not in "iu":
                raise LearnOrderError(
                    f"import: {name} of split {part.split!r} in {where} are of type "
                    f"{values.dtype}. They are class ids, whole numbers from 0. Convert them; "
                    "logits and probabilities have arrays of their own."
                )
            if (
                values.dtype.kind == "u"
                and values.size
                and values.max() == np.iinfo(values.dtype).max
            ):
                raise LearnOrderError(
                    f"import: {name} of split {part.split!r} in {where} contain "
                    f"{values.max()}, the highest number of {values.dtype}, which in a log stands "
                    "for not recorded. Save them in a wider type if it is a class; leave out what "
                    "was not recorded."
                )
            highest = max(highest, int(values.max(initial=0)))
    _check_count(highest, where)
    return highest + 1


def _check_count(highest: int, where: str) -> None:
    from learnorder.log.labelled import MOST_UNNAMED

    if highest >= MOST_UNNAMED:
        raise LearnOrderError(
            f"import: class {highest} occurs in {where}. Without class_names there are at most "
            f"{MOST_UNNAMED:,} classes, counted from 0. Number the classes anew, or name them."
        )


def _check_lists(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    for name, array in arrays.items():
        known = name in SHARED or name.startswith(("labels", "true_labels", "ids"))
        if known and array.ndim != 1:
            raise LearnOrderError(
                f"import: {name} in {where} have the shape {array.shape}. They are a list. Save "
                "them as an array of one axis."
            )


def _texts(array: NDArray[Any], what: str) -> list[str]:
    if array.ndim != 1 or array.dtype.kind != "U":
        raise LearnOrderError(
            f"import: {what} have the type {array.dtype} and shape {array.shape}. They are one "
            "text for each class. Save them as np.array([...]) of str."
        )
    names: list[str] = array.tolist()
    return names


def _refuse_scores(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    if "scores" in arrays and not {VOTES, LOGITS, PROBABILITIES, PRED_PROBS} & set(arrays):
        raise LearnOrderError(
            f"import: {where} holds scores, one number for each example, as C-score files do. A "
            "log holds predictions, which no score can give back. Compare the scores with "
            "`lo.accessibility(log)` instead (docs/exchange.md shows how)."
        )
