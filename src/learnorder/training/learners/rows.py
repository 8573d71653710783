"""Inputs as learners read them: one row per example, the numbers that networks read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.normalisation import (
    BLOCK_VALUES,
    feature_moments,
    normalised_features,
)
from learnorder.training.learners.choices import no_vectors
from learnorder.training.learners.contract import LearnerData, Rows
from learnorder.training.tokens import PADDING_ID

if TYPE_CHECKING:
    from learnorder.training.data import TrainingTensors


def learner_data(tensors: TrainingTensors) -> LearnerData:
    """Return every split as rows; images pixel by pixel, the channels of one side by side.

    Those of images and features are views of what networks read. A text is the mean of its word
    vectors, unknown words included, normalised as features are.
    """
    inputs = tensors.inputs
    if inputs.shape.kind == "text":
        if inputs.embedding is None:
            raise no_vectors()
        splits = _mean_vectors(
            {name: ids.numpy() for name, ids in tensors.splits.items()}, inputs.embedding
        )
    else:
        splits = {}
        for name, tensor in tensors.splits.items():
            last = tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor
            splits[name] = last.reshape(len(last), -1).numpy()
    labels = tensors.labels["train"].numpy()
    return LearnerData(splits["train"], labels, splits, inputs.n_classes)


def _mean_vectors(
    ids: Mapping[str, NDArray[np.int64]], embedding: NDArray[np.float32]
) -> dict[str, Rows]:
    means = {name: _means(of_split, embedding) for name, of_split in ids.items()}
    moments = feature_moments(means["train"])
    return {
        name: np.concatenate(list(normalised_features(rows, moments)))
        for name, rows in means.items()
    }


def _means(ids: NDArray[np.int64], embedding: NDArray[np.float32]) -> Rows:
    """Mean vector of the tokens of each text; the vector of padding is zero, so it adds nothing."""
    step = max(1, BLOCK_VALUES // (ids.shape[1] * embedding.shape[1]))
    parts = []
    for start in range(0, len(ids), step):
        block = ids[start : start + step]
        n_tokens = np.maximum((block != PADDING_ID).sum(axis=1, keepdims=True), 1)
        parts.append(embedding[block].sum(axis=1) / n_tokens.astype(np.float32))
    return np.concatenate(parts)
