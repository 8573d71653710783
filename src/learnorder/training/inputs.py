"""What a network reads: a dataset encoded once as plain arrays, which every worker maps.

``save`` normalises too, block by block, so that the tensors of all workers are one copy in memory:
the pages of its files. Nothing here needs torch except ``to_tensors`` and ``select``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset, Kind
from learnorder.datasets.normalisation import (
    blocks,
    feature_moments,
    normalised_features,
    normalised_images,
    pixel_moments,
)
from learnorder.errors import DataNotFound, LearnOrderError, nearest
from learnorder.schema import Labels
from learnorder.training.tokens import build_vocabulary, checked_texts, token_ids

if TYPE_CHECKING:
    import torch

_INDEX_FILE: Final = "inputs.json"


@dataclass(frozen=True)
class InputShape:
    """The form of one network input.

    Attributes
    ----------
    kind
        ``image``, ``features`` or ``text``.
    shape
        Images ``(channel, height, width)``, features ``(feature,)``, texts ``(token,)``.
    vocabulary_size
        Texts: number of token ids, padding and unknown included; otherwise None.
    embedding_dim
        Texts with word vectors: length of a vector; otherwise None.
    """

    kind: Kind
    shape: tuple[int, ...]
    vocabulary_size: int | None = None
    embedding_dim: int | None = None


@dataclass(frozen=True)
class NetworkInputs:
    """Every split of a dataset in the form networks read, and how to normalise it.

    Attributes
    ----------
    splits
        Images uint8 ``(example, channel, height, width)``, or float32 where a transform made them
        so; features float32 ``(example, feature)``; texts int32 token ids ``(example, token)``,
        0 after the end of a text, 1 for unknown words.
    labels
        ``(example,)`` int64 in ``0..n_classes-1``; None for a split without labels.
    mean, std
        float32, of the training split; images: one per channel, of bytes scaled to [0, 1];
        features: one per feature; a deviation of 0 is replaced by 1. None for texts.
    embedding
        Texts with word vectors: float32 ``(token id, dimension)``; padding and unknown are zeros.
    n_classes
        Number of classes.
    shape
        The form of one input.
    ready
        Each split normalised, the channels of images last, where ``load`` has mapped it; otherwise
        empty.
    """

    splits: Mapping[str, NDArray[Any]]
    labels: Mapping[str, Labels | None]
    mean: NDArray[np.float32] | None
    std: NDArray[np.float32] | None
    embedding: NDArray[np.float32] | None = field(repr=False)
    n_classes: int
    shape: InputShape
    ready: Mapping[str, NDArray[Any]] = field(default_factory=dict, repr=False)


def encode(
    dataset: Dataset, *, max_tokens: int = 100, vocabulary_limit: int = 20_000
) -> NetworkInputs:
    """Dataset as arrays that networks read, the same on every call.

    Mean and deviation come from the training split alone. Texts are normalised (accents stripped,
    lower case), split at whitespace and around every punctuation character, and cut after
    ``max_tokens`` tokens. With word vectors the vocabulary is the words of the vectors that occur
    in the training split, each with its vector; otherwise it is the most frequent words of the
    training split, ties in alphabetical order. Words outside it, and empty texts, become the
    unknown token, whose vector is zero, as is that of padding.

    Parameters
    ----------
    dataset
        With a split ``train``.
    max_tokens
        Tokens read of each text, at least 1.
    vocabulary_limit
        Most words kept when there are no word vectors, at least 1.

    Raises
    ------
    LearnOrderError
        A split is empty or has another form than the training split, labels are outside the
        classes, features are not finite, or no word vector belongs to a word of the training split.
    """
    _check_splits(dataset)
    if dataset.kind == "text":
        return _encode_texts(dataset, max_tokens, vocabulary_limit)
    as_stored, moments = (
        (_as_images, pixel_moments) if dataset.kind == "image" else (_as_features, feature_moments)
    )
    splits = {name: as_stored(split.inputs, name) for name, split in dataset.splits.items()}
    _check_same_form(splits)
    mean, std = moments(splits["train"])
    return NetworkInputs(
        splits=splits,
        labels=_labels(dataset),
        mean=mean,
        std=std,
        embedding=None,
        n_classes=dataset.n_classes,
        shape=InputShape(dataset.kind, splits["train"].shape[1:]),
    )


def to_tensors(inputs: NetworkInputs, split: str) -> torch.Tensor:
    """Normalise one split into a float32 tensor; token ids become int64 as they are.

    Images become ``(pixel / 255 - mean) / std``, so that the mean pixel is 0; features
    ``(value - mean) / std``. Images are ``(example, channel, height, width)`` with the channels
    last in memory, which convolutions prefer. Of inputs that were loaded, the tensor is the pages
    of a file, shared by processes; what a process writes into it, it alone sees.

    Raises
    ------
    LearnOrderError
        There is no such split.
    """
    import torch

    if split not in inputs.splits:
        known = nearest(split, inputs.splits)
        raise LearnOrderError(f"to_tensors: there is no split {split!r}. {known}")
    ready = inputs.ready.get(split)
    if ready is None:
        ready = np.concatenate(list(_ready_blocks(inputs, split)))
    tensor = torch.from_numpy(ready)
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def select(tensor: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Copy these examples of a tensor from `to_tensors`, in the same layout of memory.

    ``index_select`` alone would move the channels of every image, at several times the cost.
    """
    if tensor.ndim != 4:
        return tensor.index_select(0, positions)
    return tensor.permute(0, 2, 3, 1).index_select(0, positions).permute(0, 3, 1, 2)


def _ready_blocks(inputs: NetworkInputs, split: str) -> Iterator[NDArray[Any]]:
    """Consecutive parts of a split as networks read it, the channels of images last."""
    stored = inputs.splits[split]
    if inputs.mean is None or inputs.std is None:
        yield from (stored[block].astype(np.int64) for block in blocks(stored))
    elif inputs.shape.kind == "image":
        yield from normalised_images(stored, (inputs.mean, inputs.std))
    else:
        yield from normalised_features(stored, (inputs.mean, inputs.std))


def save(inputs: NetworkInputs, folder: Path) -> None:
    """Write inputs, as stored and as networks read them, and an index, which is written last.

    Raises
    ------
    LearnOrderError
        The folder cannot be written, or its disk is full.
    """
    try:
        _save(inputs, folder)
    except OSError as error:
        gigabytes = sum(stored.size * 5 for stored in inputs.splits.values()) / 1e9
        raise LearnOrderError(
            f"save: cannot write the inputs of the networks into {folder} "
            f"({error.strerror or error}). They need about {gigabytes:.1f} GB there, one copy for "
            "all workers. Free some space, or name another folder in TMPDIR."
        ) from error


def _save(inputs: NetworkInputs, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for position, (name, stored) in enumerate(inputs.splits.items()):
        np.save(folder / f"inputs-{position}.npy", stored, allow_pickle=False)
        _save_blocks(folder / f"ready-{position}.npy", len(stored), _ready_blocks(inputs, name))
        labels = inputs.labels[name]
        if labels is not None:
            np.save(folder / f"labels-{position}.npy", labels, allow_pickle=False)
    optional = {"mean": inputs.mean, "std": inputs.std, "embedding": inputs.embedding}
    for array_name, array in optional.items():
        if array is not None:
            np.save(folder / f"{array_name}.npy", array, allow_pickle=False)
    index = {
        "splits": list(inputs.splits),
        "labelled": [name for name in inputs.splits if inputs.labels[name] is not None],
        "arrays": [name for name, array in optional.items() if array is not None],
        "n_classes": inputs.n_classes,
        "shape": asdict(inputs.shape),
    }
    (folder / _INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")


def _save_blocks(path: Path, length: int, parts: Iterator[NDArray[Any]]) -> None:
    """Write one array part by part; a map would end the process where the disk is full."""
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            if number == 0:
                header = np.lib.format.header_data_from_array_1_0(part)
                header["shape"] = (length, *part.shape[1:])
                np.lib.format.write_array_header_1_0(file, header)
            file.write(part.data)


def load(folder: Path) -> NetworkInputs:
    """Map what ``save`` wrote; the pages of its files are shared by processes.

    Raises
    ------
    DataNotFound
        The folder, its index or one of its arrays is missing.
    LearnOrderError
        The index or an array is damaged.
    """
    index = _read_index(folder)
    try:
        shape = InputShape(**{**index["shape"], "shape": tuple(index["shape"]["shape"])})
        splits = list(index["splits"])
        labelled, arrays = set(index["labelled"]), set(index["arrays"])
        n_classes = int(index["n_classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / _INDEX_FILE) from error

    def optional(name: str) -> NDArray[Any] | None:
        return _map(folder / f"{name}.npy") if name in arrays else None

    return NetworkInputs(
        splits={name: _map(folder / f"inputs-{i}.npy") for i, name in enumerate(splits)},
        labels={
            name: _map(folder / f"labels-{i}.npy") if name in labelled else None
            for i, name in enumerate(splits)
        },
        mean=optional("mean"),
        std=optional("std"),
        embedding=optional("embedding"),
        n_classes=n_classes,
        shape=shape,
        ready={
            # private: torch has no read-only tensors, and a network may write into its input
            name: _map(folder / f"ready-{i}.npy", mode="c")
            for i, name in enumerate(splits)
        },
    )


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / _INDEX_FILE
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _missing(path) from error
    except ValueError as error:
        raise _damaged(path) from error
    if not isinstance(index, dict):
        raise _damaged(path)
    return index


def _map(path: Path, mode: Literal["r", "c"] = "r") -> NDArray[Any]:
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode=mode, allow_pickle=False)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path) from error
    return mapped


def _missing(path: Path) -> DataNotFound:
    return DataNotFound(
        f"load: cannot read {path}. Encoded inputs are a folder written by save. Encode again."
    )


def _damaged(path: Path) -> LearnOrderError:
    return LearnOrderError(
        f"load: {path} is damaged. Encoded inputs are as save wrote them. Encode again."
    )


def _check_splits(dataset: Dataset) -> None:
    if "train" not in dataset.splits:
        raise LearnOrderError(
            f"encode: dataset {dataset.name!r} has no split 'train'. "
            f"Its splits are: {', '.join(dataset.splits)}. Name the training split 'train'."
        )
    for name, split in dataset.splits.items():
        labels = split.examples.labels
        if len(split.inputs) != len(split.examples) or len(split.inputs) == 0:
            raise LearnOrderError(
                f"encode: split {name!r} has {len(split.inputs)} inputs for {len(split.examples)} "
                "examples. Each split needs one input per example, and one example at least. "
                "Correct the split, or leave it out."
            )
        if labels is None and name == "train":
            raise LearnOrderError(
                "encode: split 'train' has no labels. Networks are trained on labels. Add them."
            )
        if labels is not None and not (labels.min() >= 0 and labels.max() < dataset.n_classes):
            raise LearnOrderError(
                f"encode: labels of split {name!r} go from {labels.min()} to {labels.max()}. "
                f"{dataset.n_classes} classes have the labels 0 to {dataset.n_classes - 1}. "
                "Renumber the labels, or give every class a name."
            )


def _check_same_form(splits: Mapping[str, NDArray[Any]]) -> None:
    expected = splits["train"].shape[1:]
    for name, stored in splits.items():
        if stored.shape[1:] != expected:
            raise LearnOrderError(
                f"encode: an input of split {name!r} has the shape {stored.shape[1:]}, one of "
                f"'train' {expected}. A network reads one shape. Resize the inputs of {name!r}."
            )


def _labels(dataset: Dataset) -> dict[str, Labels | None]:
    given = {name: split.examples.labels for name, split in dataset.splits.items()}
    return {k: None if v is None else np.ascontiguousarray(v, np.int64) for k, v in given.items()}


def _as_images(images: NDArray[Any], name: str) -> NDArray[Any]:
    """Channels before height and width, contiguous."""
    colour = images.ndim == 4 and images.shape[3] == 3
    if images.dtype not in (np.uint8, np.float32) or not (colour or images.ndim == 3):
        raise LearnOrderError(
            f"encode: images of split {name!r} are {images.dtype} of shape {images.shape}. Images "
            "are uint8, or float32 after a transform, (example, height, width) or "
            "(example, height, width, 3). Convert them."
        )
    if images.dtype != np.uint8 and not all(np.isfinite(images[b]).all() for b in blocks(images)):
        raise LearnOrderError(
            f"encode: images of split {name!r} have values that are not finite. Pixels are finite "
            "numbers. Remove or replace them."
        )
    planes = np.moveaxis(images, 3, 1) if colour else images[:, np.newaxis]
    return np.ascontiguousarray(planes)


def _as_features(features: NDArray[Any], name: str) -> NDArray[Any]:
    if features.ndim != 2 or features.dtype.kind not in "fiub":
        raise LearnOrderError(
            f"encode: features of split {name!r} are {features.dtype} of shape {features.shape}. "
            "Features are numbers (example, feature). Convert them."
        )
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(features, np.float32)
    for block in blocks(stored):
        bad = np.argwhere(~np.isfinite(stored[block]))
        if len(bad):
            row, column = int(bad[0, 0]) + block.start, int(bad[0, 1])
            raise LearnOrderError(
                f"encode: feature {column} of example {row} of split {name!r} is "
                f"{stored[row, column]}. Features are finite in float32. Remove or replace it."
            )
    return stored


def _encode_texts(dataset: Dataset, max_tokens: int, vocabulary_limit: int) -> NetworkInputs:
    if max_tokens < 1 or vocabulary_limit < 1:
        raise LearnOrderError(
            f"encode: max_tokens is {max_tokens} and vocabulary_limit {vocabulary_limit}. "
            "Both are at least 1. Give larger values."
        )
    texts = {name: checked_texts(split.inputs, name) for name, split in dataset.splits.items()}
    vocabulary = build_vocabulary(texts["train"], dataset.word_vectors, vocabulary_limit)
    return NetworkInputs(
        splits={name: token_ids(held, vocabulary, max_tokens) for name, held in texts.items()},
        labels=_labels(dataset),
        mean=None,
        std=None,
        embedding=vocabulary.embedding,
        n_classes=dataset.n_classes,
        shape=InputShape(
            "text",
            (max_tokens,),
            vocabulary_size=vocabulary.size,
            embedding_dim=None if vocabulary.embedding is None else vocabulary.embedding.shape[1],
        ),
    )
