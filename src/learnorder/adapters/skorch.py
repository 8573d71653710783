"""skorch: a callback that records predictions after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from os import PathLike
from typing import Any, Self

from learnorder.adapters import seen
from learnorder.adapters.examples import check_datasets, declared
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder, Pieces

with framework("torch", "skorch"):
    from torch import nn

    from learnorder.adapters.network import Pass, evaluated, logits_of

with framework("skorch", "skorch"):
    from skorch.callbacks import Callback

NAME = "skorch.RecordPredictions"

ARGUMENTS = ("log", "seed", "data", "labels", "ids", "predict", "batch_size", "as_seen")
"""Parameters of the callback besides those of `Recorder`."""


class RecordPredictions(Callback):
    """Records one replicate while ``net.fit`` trains it.

    After each epoch all examples are predicted in the order of their datasets, in evaluation mode
    and without gradients. Modes, buffers and random generators are then as before. When training
    ends the replicate is finished; interrupted in an epoch, it can be resumed. Nothing that goes
    wrong with recording stops training: the log is marked, and a `RecordingStopped` warning says
    why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split the dataset to predict, without augmentation. Without it what the net divides its
        data into: ``train``, and ``valid`` if there is any, with ids that are positions in the
        whole.
    labels
        For some splits ``(example,)`` integers; without them items are read for their labels.
    ids
        For some splits ``(example,)`` ids; without them positions in the dataset, or of a
        ``Subset`` in its source.
    predict
        ``(net, batch) -> logits (example, class_id)`` or classes ``(example,)``; without it what
        the net infers.
    batch_size
        Examples at once.
    as_seen
        ``(batch, y_pred) -> (positions, predictions)`` of a training batch. With it predictions of
        split ``train`` are collected while training, and only what training left out is predicted
        afterwards. The log says so.
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
        data: Mapping[str, Any] | None = None,
        labels: Mapping[str, Any] | None = None,
        ids: Mapping[str, Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
        batch_size: int = 256,
        as_seen: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        **options: Any,
    ) -> None:
        # skorch and scikit-learn ask for parameters by their names, and copies are made of them
        self.log, self.seed, self.labels, self.ids = log, seed, labels, ids
        self.predict, self.batch_size, self.as_seen = predict, batch_size, as_seen
        self.data, self.options = data, options
        self._seen = seen.SeenInTraining(NAME)
        self._recorder = self._checked_recorder()
        self._splits: Mapping[str, Any] | None = None
        self._is_within = self._is_interrupted = False

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All arguments by name, those of `Recorder` that were given among them."""
        return {**{name: getattr(self, name) for name in ARGUMENTS}, **self.options}

    def set_params(self, **params: Any) -> Self:
        """Change arguments; they hold from the next training on.

        Raises
        ------
        LearnOrderError
            One of them cannot be used; nothing is changed then.
        """
        # the checks are those of a new callback
        type(self)(**{**self.get_params(), **params})
        for name in params.keys() & set(ARGUMENTS):
            setattr(self, name, params.pop(name))
        self.options = {**self.options, **params}
        return self

    def _checked_recorder(self) -> GuardedRecorder:
        """A recorder of the arguments as they are now, which opens no log yet."""
        options = {**self.options, "log": self.log, "seed": self.seed}
        if self.data is not None:
            check_datasets(NAME, self.data)
        if self.as_seen is not None:
            seen.check_as_seen(NAME, self.as_seen, self.data)
            options["as_seen"] = seen.SPLIT
        return GuardedRecorder(NAME, options)

    def on_train_begin(self, net: Any, **_: Any) -> None:
        """Begin anew, as the arguments say now; the data comes with the first epoch."""
        self._recorder.close()
        self._recorder = self._checked_recorder()
        self._splits = None
        self._is_within = self._is_interrupted = False

    def on_epoch_begin(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **_: Any
    ) -> None:
        """Open the log before the first epoch."""
        self._seen.clear()
        self._is_within = True
        if self._splits is None:
            own = {"train": dataset_train, "valid": dataset_valid}
            divided = {split: data for split, data in own.items() if data is not None}
            splits = self._splits = self.data or divided
            self._recorder.begin(
                lambda: declared(NAME, check_datasets(NAME, splits), self.labels, self.ids)
            )

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, y_pred: Any = None, **_: Any
    ) -> None:
        """Collect predictions of training batches where they are wanted as seen."""
        as_seen = self.as_seen
        if training and as_seen is not None:
            self._seen.add(lambda: as_seen(batch, y_pred))

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        """Record the epoch; validation, if there was any, is over."""
        try:
            self._record(net)
        except BaseException:
            self._is_interrupted = True
            raise
        self._is_within = False

    def on_train_end(self, net: Any, **_: Any) -> None:
        """Declare the replicate finished, unless it was interrupted, which skorch does not tell."""
        if self._is_within and not self._is_interrupted and _is_whole(net):
            # a callback that comes before this one has stopped training at the end of the epoch
            self._record(net)
            self._is_within = False
        if self._is_within:
            self._recorder.close()
        self._recorder.finish()

    def _record(self, net: Any) -> None:
        with self._recorder.guard():
            parts = None if self.as_seen is None else self._seen.gathered()
            epoch = len(net.history)
            self._recorder.record(epoch, lambda: self._pieces(net, epoch, parts))

    def _pieces(self, net: Any, epoch: int, parts: Any) -> Pieces:
        left = {}
        if parts is not None:
            for split, index, values in seen.pieces(parts, self._recorder.n_classes, NAME):
                self._recorder.record_piece(epoch, split, index, values)
            left = {seen.SPLIT: self._recorder.missing(epoch, seen.SPLIT)}

        def predict(batch: Any) -> Any:
            if self.predict is not None:
                return self.predict(net, batch)
            return logits_of(net.evaluation_step(batch, training=False))

        with ExitStack() as restored:
            for module in vars(net).values():
                if isinstance(module, nn.Module):
                    restored.enter_context(evaluated(module))
            data = self._splits or {}
            yield from Pass(data, predict, batch_size=self.batch_size).pieces(left)


def _is_whole(net: Any) -> bool:
    """Whether all batches of the last epoch were trained, and validated if any are."""
    row = net.history[-1] if net.history else {}
    return "train_batch_count" in row and ("valid_loss" not in row or "valid_batch_count" in row)
