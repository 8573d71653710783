"""Keras trains as without the recorder, and the log has what its models predict."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # it needs nothing more

import numpy as np
import pytest

pytest.importorskip("keras")

import keras
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told

import learnorder as lo
from learnorder.adapters.guarded import RecordingGap
from learnorder.adapters.keras import RecordPredictions

# of Keras itself, which turns its variables into arrays so
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DATA = {split: (X[split], Y[split]) for split in X}


class Noise(keras.layers.Layer):
    """Draws from its own generator and from the global one, in predictions too."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, x):
        shape = keras.ops.shape(x)
        drawn = keras.random.normal(shape, seed=self.seeds) + keras.random.normal(shape)
        return x + 1e-4 * drawn


def train(*callbacks, epochs=2, begin=0, model=None, **options):
    if model is None:
        keras.utils.set_random_seed(3)
        layers = keras.layers
        model = keras.Sequential(
            [
                layers.Input((64,)),
                layers.Dense(16),
                layers.BatchNormalization(),
                layers.Dropout(0.2),
                Noise(),
                layers.Dense(10),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    # the last batch has one example
    x, y = DATA["train"]
    fit = {"batch_size": 20, "epochs": epochs, "initial_epoch": begin, "verbose": 0, **options}
    model.fit(x, y, validation_data=DATA["test"], callbacks=list(callbacks), **fit)
    return model


def recorder(path, seed=0, data=DATA, **options):
    return RecordPredictions(path, seed=seed, data=data, batch_size=32, **options)


def same(one, two):
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def plain():
    """Train without a recorder."""
    return train()


def test_training_is_the_same_and_the_log_has_the_epochs(path, plain):
    model = train(recorder(path))
    assert same(model, plain)
    assert epochs(path) == [1, 2]
    expected = model.predict(X["test"], verbose=0).argmax(1)
    # the network adds a little noise when it predicts
    assert (holds(path)[-1] == expected).mean() > 0.9


@pytest.mark.parametrize("what", ["disk", "labels", "network"])
def test_training_goes_on_where_recording_cannot(path, plain, what):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if what == "disk" and epoch == 1:
                break_disk(path)

    calls = []

    def predict(model, x):
        calls.append(len(x))
        if what == "network" and len(calls) == 3:
            raise RuntimeError("out of memory")
        return model.predict(x, verbose=0)

    data = {"test": (X["test"], Y["test"][1:])} if what == "labels" else DATA
    callback = recorder(path, data=data, predict=predict)
    with told("no longer recorded") as warned:
        model = train(Break(), callback)
    assert is_told_once(warned)
    assert same(model, plain)
    if what == "network":
        assert state_of(path)["reason"] == "RuntimeError: out of memory."


def test_what_ends_a_process_is_not_caught_and_training_can_be_resumed(path, plain):
    interrupted = []

    def predict(model, x):
        if not interrupted and len(x) == 33 and callback.model.optimizer.iterations > 4:
            interrupted.append(model)
            raise KeyboardInterrupt
        return model.predict(x, verbose=0)

    callback = recorder(path, predict=predict)
    with pytest.raises(KeyboardInterrupt):
        train(callback)
    # as a notebook would, with the first callback alive; the network is as after epoch 2
    again = recorder(path)
    with pytest.warns(RecordingGap, match="goes on at epoch 3, and the log ends with epoch 1"):
        train(again, model=interrupted[0], begin=2, epochs=3)
    assert again.problem is None
    assert epochs(path) == [1, 3]


def test_an_early_end_is_an_end(path):
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    train(recorder(path), Enough(), epochs=9)
    assert epochs(path) == [1, 2]
    assert state_of(path)["status"] == "finished"


def test_what_keras_does_not_show_is_refused(path):
    with pytest.raises(lo.LearnOrderError, match="see losses, not outputs"):
        recorder(path, as_seen="train")
    with pytest.raises(lo.LearnOrderError, match="'test' is a ndarray"):
        recorder(path, data={"test": X["test"]})
