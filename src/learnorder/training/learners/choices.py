"""What of a spec means something to a learner that is no network; the rest is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError, count_of
from learnorder.training.architectures.table import learner

IDLE: Final[Mapping[str, tuple[str, ...] | None]] = MappingProxyType(
    {
        "optimizer": None,
        "schedule": None,
        "augmentation": None,
        "execution": None,
        "architecture": ("initialisation",),
        "training": ("batch_size", "precision", "order"),
        "recording": ("early", "initial", "batch_norm", "batch_norm_examples"),
    }
)
"""Keys without a meaning, by table; None for the whole table. A resolved spec leaves them out."""

_FILLED_IN: Final = "batch_norm_examples"
"""Given or not, it is set when a spec is read; other values than 0 are refused there."""


def problem_of(architecture: str, tables: BaseModel, quantities: tuple[str, ...]) -> str | None:
    """Say what a spec asks of a learner that it cannot do; None for networks and good specs.

    Parameters
    ----------
    architecture
        Its name.
    tables
        The spec.
    quantities
        What is to be recorded of the label.
    """
    entry = learner(architecture)
    if entry is None:
        return None
    given = ", ".join(_given(tables))
    if given:
        return (
            f"{given} means nothing to {architecture!r}, which is no network: it has neither "
            "batches nor a state before the first round. Leave it out"
        )
    unknown = [quantity for quantity in quantities if quantity not in entry.quantities]
    if unknown:
        able = ", ".join(f"recording.{quantity}" for quantity in entry.quantities)
        return (
            f"recording.{unknown[0]} cannot be had of {architecture!r}, whose scores are "
            f"{entry.scores}. {f'It has {able}' if able else 'Only predictions can be recorded'}"
        )
    return None


def _given(tables: BaseModel) -> Iterator[str]:
    for table, keys in IDLE.items():
        if table in tables.model_fields_set and keys is None:
            yield f"[{table}]"
        elif table in tables.model_fields_set:
            given = getattr(tables, table).model_fields_set
            told = (key for key in keys or () if key in given and key != _FILLED_IN)
            yield from (f"{table}.{key}" for key in told)


def without_idle_keys(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved spec without what means nothing to a learner."""
    kept = {}
    for table, content in resolved.items():
        if table not in IDLE:
            kept[table] = content
        elif keys := IDLE[table]:
            kept[table] = {key: value for key, value in content.items() if key not in keys}
    return kept


def check_data(architecture: str, epochs: int, dataset: Dataset) -> None:
    """Refuse data that the learner cannot read, before anything is encoded.

    Raises
    ------
    LearnOrderError
        Texts have no word vectors, or there are fewer training examples than neighbours.
    """
    if dataset.kind == "text" and dataset.word_vectors is None:
        raise no_vectors()
    if architecture == "k-nn":
        check_neighbours(epochs, len(dataset.train))


def check_neighbours(most: int, n_train: int) -> None:
    """Refuse more neighbours than there are examples.

    Raises
    ------
    LearnOrderError
        There are fewer.
    """
    if most > n_train:
        raise LearnOrderError(
            f"train: training.epochs = {most} asks 'k-nn' for so many neighbours of "
            f"{count_of(n_train, 'training example')}. A round is one more neighbour, all of them "
            "at most. Lower training.epochs."
        )


def no_vectors() -> LearnOrderError:
    """Say why texts cannot be read without word vectors."""
    return LearnOrderError(
        "train: the texts come without word vectors. A learner that is no network reads the mean "
        "of the word vectors of a text, and learns none. Name their file in dataset.embeddings, "
        "or use the architecture bag-of-embeddings or bilstm."
    )
