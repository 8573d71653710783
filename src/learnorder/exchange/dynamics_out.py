"""Training dynamics as Dataset Cartography reads them, from recorded probabilities of the label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.exchange.cartography import FOLDER
from learnorder.exchange.source import Source, ids_as_json, labels_of, replicate_values
from learnorder.schema import PREDICTION, PROBABILITY

LEAST = 1e-9
"""Probability of a class of which nothing is known but that it is not the one predicted."""

AHEAD = 1e-6
"""How far the logit of the predicted class is above all others at least."""


def write_cartography(source: Source, target: Path) -> list[str]:
    """Write ``seed_<S>/training_dynamics/dynamics_epoch_<N>.jsonl`` for each replicate.

    Logits are logarithms of probabilities that give the label the recorded one and make the
    predicted class the highest, so that confidence, variability, correctness and forgetfulness are
    those of the log.

    Raises
    ------
    LearnOrderError
        The split has no labels or no recorded probabilities, no epoch > 0, or only one class.
    """
    split = source.only
    labels = labels_of(split, "cartography")
    kept = [i for i, epoch in enumerate(source.epochs) if epoch > 0]
    if PROBABILITY not in split or not kept or len(source.class_names) < 2:
        lacks = (
            "no recorded probabilities" if PROBABILITY not in split else "no epoch after the start"
        )
        lacks = "one class only" if len(source.class_names) < 2 else lacks
        raise LearnOrderError(
            f"export: cartography needs the probability of the label, and the log has {lacks}. "
            "Train with recording.probability = true, or export csv, which needs predictions alone."
        )
    ids = ids_as_json(split)
    for position, seed in enumerate(source.seeds):
        folder = target / f"seed_{seed}" / FOLDER
        folder.mkdir(parents=True)
        votes = replicate_values(split, PREDICTION, position)
        chances = replicate_values(split, PROBABILITY, position)
        for number, i in enumerate(kept):
            logits = made_up_logits(chances[i], votes[i], labels, len(source.class_names))
            _write(folder / f"dynamics_epoch_{number}.jsonl", number, ids, labels, logits)
    lost = []
    if len(kept) < len(source.epochs):
        lost.append("epoch 0, before training, which training dynamics do not have")
    epochs = [source.epochs[i] for i in kept]
    if epochs != [float(n + 1) for n in range(len(kept))]:
        listed = ", ".join(f"{e:g}" for e in epochs[:5])
        more = ", ..." if len(epochs) > 5 else ""
        lost.append(f"which epochs were recorded ({listed}{more}): files are numbered 0, 1, ...")
    return lost


def made_up_logits(
    probability: NDArray[Any], prediction: NDArray[Any], labels: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """``(example, class)`` whose softmax gives the label its probability, argmax the prediction.

    Where the label is predicted, the other classes share the rest equally; where it is not, the
    predicted class has all of the rest.

    Examples
    --------
    >>> logits = made_up_logits(np.array([0.25]), np.array([2]), np.array([0]), 3)
    >>> softmax = np.exp(logits) / np.exp(logits).sum()
    >>> softmax.round(4).tolist(), int(logits.argmax())
    ([[0.25, 0.0, 0.75]], 2)
    """
    rows = np.arange(len(labels))
    of_label = np.clip(probability.astype(np.float64), LEAST, 1 - LEAST * n_classes)
    rest = 1 - of_label
    right = prediction == labels
    share = np.where(right, rest / (n_classes - 1), LEAST)
    chances = np.repeat(share[:, None], n_classes, axis=1)
    chances[rows, labels] = of_label
    wrong = np.flatnonzero(~right)
    chances[wrong, prediction[wrong]] = rest[wrong] - LEAST * (n_classes - 2)
    logits: NDArray[np.float64] = np.log(np.maximum(chances, LEAST))
    others = logits.copy()
    others[rows, prediction] = -np.inf
    # rounding to half precision may have made a tie of what was none
    logits[rows, prediction] = np.maximum(logits[rows, prediction], others.max(axis=1) + AHEAD)
    return logits


def _write(
    path: Path, number: int, ids: list[Any], labels: NDArray[Any], logits: NDArray[np.float64]
) -> None:
    key = f"logits_epoch_{number}"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for guid, gold, of_one in zip(ids, labels.tolist(), logits.tolist(), strict=True):
            file.write(json.dumps({"guid": guid, key: of_one, "gold": gold}) + "\n")
