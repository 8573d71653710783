"""Further test sets, of examples that have nothing to do with the training classes, or some."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset, Split, refuse_split_name
from learnorder.datasets.known import ENTRIES
from learnorder.datasets.options import checked_options
from learnorder.datasets.registry import class_list, read_dataset
from learnorder.datasets.sampling import class_id_of, drawn_positions, refuse_seed, take
from learnorder.datasets.source import Options
from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import Examples, Labels

NOISE_DRAW: Final = 0x0153
"""Keeps this draw apart from every other draw made with the same seed."""

LIMIT_KEY: Final = 2
"""Keys the draw of a limit, where ``train`` and ``test`` have 0 and 1."""


def with_test_set(
    dataset: Dataset,
    split_name: str,
    *,
    name: str,
    path: str | os.PathLike[str] | None = None,
    split: str = "test",
    classes: Sequence[str | int] | None = None,
    limit: int | None = None,
    label_column: str | None = None,
    text_column: str | None = None,
    image_size: int | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    labels: bool = False,
    convert: bool = False,
) -> Dataset:
    """Dataset with a further test split, taken from another dataset.

    Parameters
    ----------
    dataset
        What is trained on.
    split_name
        What the further split is called.
    name, path, label_column, text_column, image_size, options, seed
        As for `load_dataset`; or the name ``noise``, for inputs in the shape of the training ones
        whose values are independent: ``kind = "uniform"`` over the range (0..255, or of each
        feature in the training split) or ``"gaussian"`` with mean and deviation of each channel or
        feature in the training split (pixels are rounded, and cut off at 0 and 255).
    split
        Which split of it.
    classes
        Examples of these classes only, by name or id there.
    limit
        At most so many examples, drawn with ``seed``, each class in proportion.
    labels
        Keep the labels, by the names of their classes, all of which are trained on. Otherwise the
        split has none.
    convert
        Make images fit those trained on: grey becomes colour by repeating it, colour grey by its
        luminance (ITU-R 601), another size is resampled (bilinear, whatever the proportions).

    Raises
    ------
    LearnOrderError
        The split's name is taken, or its examples do not fit those trained on.
    """
    where = f"extra: {split_name!r}"
    refuse_split_name(split_name, "extra")
    if split_name in dataset.splits:
        raise LearnOrderError(
            f"{where} is already a split of {dataset.name!r}. Each split has its own name. "
            "Rename the further test set."
        )
    if name == "noise":
        idle = {
            "path": path,
            "classes": classes,
            "limit": limit,
            "label_column": label_column,
            "text_column": text_column,
            "image_size": image_size,
            "labels": labels or None,
            "convert": convert or None,
        }
        _refuse_idle(where, idle)
        return _joined(dataset, split_name, _noise(dataset, options, seed, where))
    chosen = None if classes is None else class_list(classes)
    source, _, _ = read_dataset(
        name,
        path,
        Options(label_column, text_column, image_size),
        options=options,
        classes=chosen,
        seed=seed,
        least_classes=1,
    )
    if split not in source.splits:
        raise LearnOrderError(
            f"{where}: {source.name!r} has no split {split!r}. {nearest(split, source.splits)} "
            "Use one of them."
        )
    found = _selected(source, split, chosen, limit, seed, where)
    inputs = _fitting(dataset, source.kind, found.inputs, convert, where)
    kept = _labels_here(dataset, source, found, where) if labels else None
    return _joined(dataset, split_name, Split(inputs, Examples(found.examples.ids, kept)))


def _joined(dataset: Dataset, name: str, split: Split) -> Dataset:
    return replace(dataset, splits={**dataset.splits, name: split})


def _refuse_idle(where: str, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if value is not None:
            raise LearnOrderError(
                f"{where}: {key} = {value!r} means nothing for 'noise'. It has options and a seed. "
                f"Leave {key} out."
            )


def _selected(
    source: Dataset,
    name: str,
    classes: list[str | int] | None,
    limit: int | None,
    seed: int,
    where: str,
) -> Split:
    """Examples of some classes, at most so many."""
    split = source.splits[name]
    if classes is not None:
        if split.examples.labels is None:
            raise LearnOrderError(
                f"{where}: {name} of {source.name!r} has no labels to choose classes by. It is "
                "used whole. Leave classes out."
            )
        chosen = [class_id_of(source, value) for value in classes]
        split = take(split, np.flatnonzero(np.isin(split.examples.labels, chosen)))
        if len(split) == 0:
            raise LearnOrderError(
                f"{where}: {name} of {source.name!r} has no example of the classes {classes!r}. "
                "A split has at least one. Choose other classes."
            )
    if limit is None:
        return split
    labels = split.examples.labels
    one_class = np.zeros(len(split), np.int64)
    drawn = one_class if labels is None else labels
    return take(split, drawn_positions(drawn, limit, (seed, LIMIT_KEY), f"{where}: limit"))


def _labels_here(dataset: Dataset, source: Dataset, found: Split, where: str) -> Labels:
    """Labels of the found examples among the classes trained on, by the names of classes."""
    if found.examples.labels is None:
        raise LearnOrderError(
            f"{where}: its examples have no labels to keep. labels = true needs some. Leave it out."
        )
    here = {name: class_id for class_id, name in enumerate(dataset.class_names)}
    becomes = np.array([here.get(name, -1) for name in source.class_names], np.int64)
    labels: Labels = becomes[found.examples.labels]
    if labels.min() < 0:
        stranger = source.class_names[found.examples.labels[np.argmin(labels)]]
        raise LearnOrderError(
            f"{where}: labels = true, but its class {stranger!r} is not trained on. "
            f"{nearest(stranger, here)} Choose classes, or leave labels out."
        )
    return labels


def _fitting(
    dataset: Dataset, kind: str, inputs: NDArray[Any], convert: bool, where: str
) -> NDArray[Any]:
    """Inputs in the shape of those trained on, converted only where that was asked for."""
    shape = dataset.train.inputs.shape[1:]
    if kind == dataset.kind and inputs.shape[1:] == shape:
        return inputs
    if kind == dataset.kind == "image" and convert:
        return np.stack([_converted(image, shape) for image in inputs])
    advice = "Set convert = true to convert them, or use others."
    raise LearnOrderError(
        f"{where}: its inputs are {kind} of the shape {inputs.shape[1:]}, those of "
        f"{dataset.name!r} {dataset.kind} of the shape {shape}. "
        "A network reads one kind and shape. "
        + (advice if kind == dataset.kind == "image" else "Use others.")
    )


def _converted(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = shape[:2]
    picture = Image.fromarray(image).convert("RGB" if len(shape) == 3 else "L")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture, dtype=np.uint8)


def _noise(dataset: Dataset, options: Mapping[str, Any] | None, seed: int, where: str) -> Split:
    """Independent values in the shape of the training inputs."""
    entry = next(entry for entry in ENTRIES if entry.name == "noise")
    chosen = checked_options(entry, options)
    if chosen["kind"] not in ("uniform", "gaussian"):
        raise LearnOrderError(
            f"{where}: kind of noise is {chosen['kind']!r}. "
            f"{nearest(chosen['kind'], ['uniform', 'gaussian'])} Use one of them."
        )
    if dataset.kind == "text":
        raise LearnOrderError(
            f"{where}: noise for {dataset.name!r}, whose inputs are text. Noise goes with images "
            "and features. Leave it out."
        )
    refuse_seed(seed, where)
    random = np.random.default_rng(np.random.SeedSequence([int(seed), NOISE_DRAW]))
    train = dataset.train.inputs
    shape = (chosen["n"], *train.shape[1:])
    ids = np.array([f"noise/{i:05d}" for i in range(chosen["n"])])
    return Split(_drawn(random, chosen["kind"], train, shape), Examples(ids, None))


def _drawn(
    random: np.random.Generator, kind: str, train: NDArray[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    is_image = train.ndim > 2
    if kind == "uniform" and is_image:
        return random.integers(0, 256, shape, dtype=np.uint8)
    if kind == "uniform":
        return random.uniform(train.min(axis=0), train.max(axis=0), shape).astype(np.float32)
    axes = (0, 1, 2) if is_image else (0,)
    mean, std = train.mean(axis=axes, dtype=np.float64), train.std(axis=axes, dtype=np.float64)
    values = random.normal(mean, std, shape)
    if is_image:
        return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return values.astype(np.float32)
