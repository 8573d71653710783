"""Keras 3: a callback that records predictions after every epoch, on any of its backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike
from typing import Any

import numpy as np

from learnorder.adapters.examples import check_pairs
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.adapters.seen import refuse_as_seen

with framework("keras", "keras", "Keras"):
    import keras

NAME = "keras.RecordPredictions"


class RecordPredictions(keras.callbacks.Callback):
    """Records one replicate while ``model.fit`` trains it.

    After each epoch all examples are predicted in the order of their arrays. What training draws
    random numbers from, statistics, and with the torch backend the mode of each layer, are then as
    before. When training ends the replicate is finished; after an exception it is interrupted and
    can be resumed. Nothing that goes wrong with recording stops training: the log is marked, and a
    `RecordingStopped` warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split a pair: inputs as ``model.predict`` takes them, arrays without augmentation, and
        labels ``(example,)``, integers. It need not be what is trained on.
    ids
        For some splits ``(example,)`` ids; the positions without them.
    predict
        ``(model, inputs) -> logits or probabilities (example, class_id)`` or classes
        ``(example,)``; ``model.predict`` without it.
    batch_size
        Examples at once.
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
        data: Mapping[str, tuple[Any, Any]],
        ids: Mapping[str, Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
        batch_size: int = 256,
        **options: Any,
    ) -> None:
        super().__init__()
        refuse_as_seen(NAME, options, "callbacks of Keras see losses, not outputs")
        self._data = check_pairs(NAME, data)
        self._predict = predict or (
            lambda model, inputs: model.predict(inputs, batch_size=batch_size, verbose=0)
        )
        labels = {split: y for split, (_, y) in self._data.items()}
        given = {**options, "log": log, "seed": seed, "labels": labels, "ids": ids}
        self._recorder = GuardedRecorder(NAME, given)

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the log."""
        self._recorder.begin(dict)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the epoch, which Keras counts from 0; validation, if there was any, is over."""
        self._recorder.record(epoch + 1, self._pieces)

    def _pieces(self) -> Pieces:
        model = self.model
        with _kept(model):
            for split, (inputs, _) in self._data.items():
                yield split, None, self._predict(model, inputs)

    def on_train_end(self, logs: Any = None) -> None:
        """Declare the replicate finished."""
        self._recorder.finish()


@contextmanager
def _kept(model: Any) -> Iterator[None]:
    """Predict inside of this; what is no weight of a model is afterwards as before."""
    with ExitStack() as restored:
        if keras.backend.backend() == "torch":
            from learnorder.adapters.network import evaluated

            restored.enter_context(evaluated(model))
        for variable in (*model.non_trainable_variables, *_global_seeds()):
            values = np.array(keras.ops.convert_to_numpy(variable.value))
            restored.callback(_restore, variable, values)
        yield


def _restore(variable: Any, values: Any) -> None:
    now = np.asarray(keras.ops.convert_to_numpy(variable.value))
    if now.tobytes() != values.tobytes():
        variable.assign(values)


def _global_seeds() -> list[Any]:
    """State of the generator from which operations without a seed of their own draw.

    Keras has no public name for it; a version that keeps it elsewhere has none to restore here.
    """
    with suppress(ImportError, AttributeError):
        from keras.src.backend.common import global_state

        generator = global_state.get_global_attribute("global_seed_generator")
        return [] if generator is None else [generator.state]
    return []
