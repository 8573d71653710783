"""PyTorch Lightning: a callback that records predictions after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

from learnorder.adapters import seen
from learnorder.adapters.examples import check_datasets, declared
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.adapters.network import Pass, evaluated, logits_of
from learnorder.errors import LearnOrderError

with framework("lightning", "lightning", "PyTorch Lightning"):
    from lightning.fabric.utilities import move_data_to_device
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.strategies import (
        DeepSpeedStrategy,
        FSDPStrategy,
        ModelParallelStrategy,
        Strategy,
    )

NAME = "lightning.RecordPredictions"


class RecordPredictions(Callback):
    """Records one replicate while ``trainer.fit`` trains it.

    After each training epoch process 0 predicts all examples in the order of their datasets, in
    evaluation mode and without gradients, in the precision of the trainer; others wait. Modes,
    buffers and random generators are then as before. When training ends the replicate is finished;
    after an exception it is interrupted and can be resumed. Nothing that goes wrong with recording
    stops training: the log is marked, and a `RecordingStopped` warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split the dataset to predict, without augmentation: items by position, whose second part
        is the label. It need not be what is trained on.
    labels
        For some splits ``(example,)`` integers; without them items are read for their labels.
    ids
        For some splits ``(example,)`` ids; without them positions in the dataset, or of a
        ``Subset`` in its source.
    predict
        ``(module, batch) -> logits (example, class_id)`` or classes ``(example,)``; without it
        ``module(batch[0])``.
    batch_size, collate, num_workers
        How datasets are loaded for this.
    as_seen
        ``(outputs, batch) -> (positions, predictions)`` of a training batch, ``outputs`` being what
        ``training_step`` returned. With it predictions of split ``train`` are collected while
        training, from all processes, and only what training left out is predicted afterwards. The
        log says so.
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
        batch_size: int = 256,
        collate: Callable[[Any], Any] | None = None,
        num_workers: int = 0,
        as_seen: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._data = check_datasets(NAME, data)
        self._declared = labels, ids
        self._predict = predict or _logits
        self._loading: dict[str, Any] = {
            "batch_size": batch_size,
            "collate": collate,
            "num_workers": num_workers,
        }
        self._as_seen, self._seen = as_seen, seen.SeenInTraining(NAME)
        if as_seen is not None:
            seen.check_as_seen(NAME, as_seen, data)
            options["as_seen"] = seen.SPLIT
        self._recorder = GuardedRecorder(NAME, {**options, "log": log, "seed": seed})
        self._n_batches = 0

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the log, in process 0; a ``fast_dev_run`` tries a batch and is no training."""
        if trainer.is_global_zero and not getattr(trainer, "fast_dev_run", False):
            self._recorder.begin(lambda: self._splits(trainer.strategy))

    def _splits(self, strategy: Strategy) -> dict[str, Any]:
        if isinstance(strategy, DeepSpeedStrategy | FSDPStrategy | ModelParallelStrategy):
            raise LearnOrderError(
                f"{NAME}: the parameters are divided between processes by "
                f"{type(strategy).__name__}. One process predicts with the whole network. Train "
                "with 'ddp', or gather predictions and use lo.Recorder."
            )
        return declared(NAME, self._data, *self._declared)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to collect."""
        self._n_batches = 0
        self._seen.clear()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch, and collect its predictions where they are wanted as seen."""
        self._n_batches = batch_idx + 1
        as_seen = self._as_seen
        if as_seen is not None:
            self._seen.add(lambda: as_seen(outputs, batch))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the epoch; validation, if there was any, is over."""
        with self._recorder.guard():
            parts = None if self._as_seen is None else self._seen.gathered()
            epoch = trainer.current_epoch + self._share(trainer)
            self._recorder.record(epoch, lambda: self._pieces(trainer, pl_module, epoch, parts))

    def _share(self, trainer: Trainer) -> float:
        """How much of the epoch was trained; ``max_steps`` ends one before its time."""
        planned = trainer.num_training_batches
        # where a loader has no length, an epoch is what it gave
        return min(self._n_batches / planned, 1) if 0 < planned < float("inf") else 1

    def _pieces(
        self, trainer: Trainer, module: LightningModule, epoch: float, parts: Any
    ) -> Pieces:
        left = {}
        if parts is not None:
            for split, index, values in seen.pieces(parts, self._recorder.n_classes, NAME):
                self._recorder.record_piece(epoch, split, index, values)
            left = {seen.SPLIT: self._recorder.missing(epoch, seen.SPLIT)}

        def predict(batch: Any) -> Any:
            converted = trainer.precision_plugin.convert_input(batch)
            return self._predict(module, move_data_to_device(converted, module.device))

        with evaluated(module), trainer.precision_plugin.predict_step_context():
            yield from Pass(self._data, predict, **self._loading).pieces(left)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Declare the replicate finished."""
        self._recorder.finish()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the replicate interrupted, so that it can be resumed."""
        self._recorder.close()


def _logits(module: LightningModule, batch: Any) -> Any:
    return logits_of(module(batch[0]))
