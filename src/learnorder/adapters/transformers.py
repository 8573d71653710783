"""Hugging Face's Trainer: a callback that records predictions after every epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

from learnorder.adapters.examples import LABEL_NAMES, check_datasets, declared
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.adapters.network import Pass, evaluated, logits_of
from learnorder.adapters.seen import refuse_as_seen
from learnorder.errors import LearnOrderError

with framework("transformers", "transformers"):
    from transformers import (
        DataCollatorWithPadding,
        PreTrainedTokenizerBase,
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
        default_data_collator,
    )

with framework("accelerate", "transformers"):
    from accelerate.utils import send_to_device

NAME = "transformers.RecordPredictions"


class RecordPredictions(TrainerCallback):
    """Records one replicate while ``Trainer.train`` trains it.

    After each epoch the main process predicts all examples in the order of their datasets, in
    evaluation mode and without gradients; others wait. Modes, buffers and random generators are
    then as before. When training ends the replicate is finished; after an exception it is
    interrupted and can be resumed. Nothing that goes wrong with recording stops training: the log
    is marked, and a `RecordingStopped` warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split the dataset to predict, without augmentation; it need not be what is trained on.
        Columns that the model does not take are left out here, whatever ``remove_unused_columns``
        says.
    labels
        For some splits ``(example,)`` integers; without them the column ``labels`` or ``label``.
    ids
        For some splits ``(example,)`` ids; without them positions in the dataset, or of a torch
        ``Subset`` in its source.
    predict
        ``(model, batch) -> logits (example, class_id)`` or classes ``(example,)``, of whole items;
        without it the ``logits`` of ``model(**batch)``.
    batch_size, num_workers
        How datasets are loaded for this.
    collate
        Makes a batch of a list of items; without it a tokenizer of the Trainer pads, and without
        one items have one length.
    options
        Further arguments of `learnorder.Recorder`, as ``n_classes`` and ``about``.

    Raises
    ------
    LearnOrderError
        An argument cannot be used; this is before training.
    """

    def __init__(
        self,
        log: str | PathLike[str],
        *,
        seed: int,
        data: Mapping[str, Any],
        labels: Mapping[str, Any] | None = None,
        ids: Mapping[str, Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
        batch_size: int = 64,
        collate: Callable[[Any], Any] | None = None,
        num_workers: int = 0,
        **options: Any,
    ) -> None:
        refuse_as_seen(NAME, options, "callbacks of the Trainer see neither batches nor outputs")
        self._data = check_datasets(NAME, data)
        self._declared = labels, ids
        self._predict, self._collate = predict, collate
        self._loading: dict[str, Any] = {"batch_size": batch_size, "num_workers": num_workers}
        self._recorder = GuardedRecorder(NAME, {**options, "log": log, "seed": seed})

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the log, in the main process."""
        if state.is_world_process_zero:
            self._recorder.begin(lambda: self._splits(args))

    def _splits(self, args: TrainingArguments) -> dict[str, Any]:
        if args.deepspeed or args.fsdp:
            raise LearnOrderError(
                f"{NAME}: the parameters are divided between processes (DeepSpeed or FSDP). One "
                "process predicts with the whole network. Train without, or gather predictions "
                "and use lo.Recorder."
            )
        return declared(NAME, self._data, *self._declared)

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any = None,
        processing_class: Any = None,
        **kwargs: Any,
    ) -> None:
        """Record the epoch, or the part of one that ``max_steps`` or ``num_train_epochs`` left."""
        # a sum of fractions of an epoch; steps of one that are told apart differ by more
        epoch = round(float(state.epoch or 0), 9)
        self._recorder.record(epoch, lambda: self._pieces(_whole(model), processing_class))

    def _pieces(self, model: Any, processing_class: Any) -> Pieces:
        data, predict = self._data, self._predict
        if predict is None:
            names = _taken(model)
            data = {split: _Columns(dataset, names) for split, dataset in data.items()}

        def predicted(batch: Any) -> Any:
            batch = send_to_device(batch, next(model.parameters()).device)
            return logits_of(model(**batch)) if predict is None else predict(model, batch)

        collate = self._collate or _collation(processing_class)
        with evaluated(model):
            yield from Pass(data, predicted, collate=collate, **self._loading).pieces()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Declare the replicate finished."""
        self._recorder.finish()


class _Columns:
    """Items of a dataset, of which a model sees some columns."""

    def __init__(self, dataset: Any, names: set[str] | None) -> None:
        self._dataset, self._names = dataset, names

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, position: int) -> Any:
        item = self._dataset[position]
        if not isinstance(item, Mapping):
            raise LearnOrderError(
                f"{NAME}: an item is a {type(item).__name__}. A model of the Trainer takes named "
                "columns. Give items that map names to values, or predict."
            )
        kept = item if self._names is None else {n: item[n] for n in item if n in self._names}
        return {name: value for name, value in kept.items() if name not in LABEL_NAMES}


def _taken(model: Any) -> set[str] | None:
    """Names that a model takes; None where it takes any."""
    parameters = inspect.signature(type(model).forward).parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named - {"self"} or None


def _whole(model: Any) -> Any:
    """Return the network itself, without what compiles it or divides batches between devices."""
    while (inner := getattr(model, "_orig_mod", None) or _parallel(model)) is not None:
        model = inner
    return model


def _parallel(model: Any) -> Any:
    wrapped = type(model).__name__ in ("DistributedDataParallel", "DataParallel")
    return model.module if wrapped else None


def _collation(processing_class: Any) -> Callable[[Any], Any]:
    if isinstance(processing_class, PreTrainedTokenizerBase):
        padded: Callable[[Any], Any] = DataCollatorWithPadding(processing_class)
        return padded
    usual: Callable[[Any], Any] = default_data_collator
    return usual
