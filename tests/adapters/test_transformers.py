"""The Trainer trains as without the recorder, and the log has what its models predict."""

from __future__ import annotations

import multiprocessing
import random
import socket

import numpy as np
import pytest

pytest.importorskip("transformers")

import torch
from accelerate.state import AcceleratorState, PartialState
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from torch.nn import functional
from torch.utils.data import Subset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

import learnorder as lo
from datasets import Dataset
from learnorder.adapters.transformers import RecordPredictions

pytestmark = [
    # of the libraries themselves
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

DATA = {
    split: Dataset.from_dict(
        {
            "example_id": [f"{split} {i}" for i in range(len(X[split]))],
            "pixels": X[split],
            "label": Y[split],
        }
    )
    for split in X
}


class Network(nn.Module):
    """Batch normalisation, dropout, and draws of every generator."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 10)
        )
        self.count = nn.Buffer(torch.zeros(()))

    def forward(self, pixels, labels=None):
        self.count += 1 + random.random() + np.random.rand()  # noqa: NPY002
        logits = self.layers(pixels) + 1e-3 * torch.rand(10)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def train(*callbacks, epochs=2, data=DATA["train"], resume=None, model=None, **options):
    set_seed(3)
    arguments = TrainingArguments(
        "out",
        **{
            "seed": 3,
            "num_train_epochs": epochs,
            "per_device_train_batch_size": 20,
            "learning_rate": 0.1,
            "report_to": "none",
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_strategy": "no",
            "use_cpu": True,
            "dataloader_drop_last": True,
            **{k: v for k, v in options.items() if k != "processing_class"},
        },
    )
    rest = {k: v for k, v in options.items() if k == "processing_class"}
    network = model or Network()
    trainer = Trainer(network, arguments, train_dataset=data, callbacks=list(callbacks), **rest)
    trainer.train(resume_from_checkpoint=resume)
    return network


def recorder(path, seed=0, data=DATA, **options):
    return RecordPredictions(path, seed=seed, data=data, batch_size=32, **options)


def same(one, two):
    states = one.state_dict(), two.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Train without a recorder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("plain"))
        return train()


def test_training_is_the_same_and_the_log_has_the_epochs(path, plain):
    ids = {"test": DATA["test"]["example_id"][:]}
    network = train(recorder(path, ids=ids))
    assert same(network, plain)
    assert epochs(path) == [1, 2]
    network.eval()
    with torch.no_grad():
        expected = network(torch.tensor(X["test"]))["logits"].argmax(1).numpy()
    # the network adds a little noise when it predicts
    assert (holds(path)[-1] == expected).mean() > 0.9
    log = lo.open_log(path)["test"]
    # though the Trainer leaves such columns out (remove_unused_columns)
    assert log["example"].to_numpy()[2] == "test 2"
    assert (log["label"].to_numpy() == Y["test"]).all()


@pytest.mark.parametrize("what", ["disk", "labels", "network"])
def test_training_goes_on_where_recording_cannot(path, plain, what):
    class Break(TrainerCallback):
        def on_epoch_begin(self, args, state, control, **_):
            if what == "disk" and state.global_step == 3:
                break_disk(path)

    def predict(model, batch):
        if what == "network" and model.count > 9:
            raise RuntimeError("out of memory")
        return model(batch["pixels"])["logits"]

    labels = {"test": Y["test"][1:]} if what == "labels" else None
    callback = recorder(path, labels=labels, predict=predict)
    with told("no longer recorded") as warned:
        network = train(Break(), callback)
    assert is_told_once(warned)
    assert same(network, plain)
    if what == "network":
        assert state_of(path)["reason"] == "RuntimeError: out of memory."


def test_what_ends_a_process_is_not_caught(path):
    def predict(model, batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recorder(path, predict=predict))


def test_training_that_fails_can_be_resumed_from_a_checkpoint(path, tmp_path):
    whole = train(recorder(tmp_path / "whole.zarr"), epochs=3)

    class Fail(TrainerCallback):
        def on_epoch_begin(self, args, state, control, **_):
            if state.global_step == 6:
                raise RuntimeError("power")

    callback = recorder(path)
    with pytest.raises(RuntimeError, match="power"):
        train(callback, Fail(), epochs=3, save_strategy="epoch")
    network = train(callback, epochs=3, resume=True)
    assert epochs(path) == [1, 2, 3]
    assert (holds(path) == holds(tmp_path / "whole.zarr")).all()
    assert torch.equal(network.layers[0].weight, whole.layers[0].weight)


def test_a_part_of_an_epoch_is_recorded_as_such(path):
    train(recorder(path), epochs=1.5)
    assert epochs(path) == pytest.approx([1, 5 / 3])


def test_ids_of_a_subset_are_those_of_its_source(path):
    train(recorder(path, data={"test": Subset(DATA["test"], [7, 3, 9])}), epochs=1)
    assert lo.open_log(path)["test"]["example"].to_numpy().tolist() == [7, 3, 9]


def test_texts_of_different_lengths_are_padded_by_the_tokenizer(path):
    words = ["[PAD]", "good", "bad", "film"]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "[PAD]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]")
    texts = ["good film", "bad", "bad bad film", "good"] * 4
    data = Dataset.from_dict({"text": texts, "label": [1, 0, 0, 1] * 4})
    data = data.map(lambda item: tokenizer(item["text"]))
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = BertConfig(vocab_size=4, intermediate_size=8, num_labels=2, **small)
    model = BertForSequenceClassification(config)
    train(
        recorder(path, data={"test": data}, examples={"test": texts}),
        data=data,
        model=model,
        epochs=1,
        per_device_train_batch_size=5,
        processing_class=tokenizer,
    )
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    names = ("input_ids", "attention_mask")
    model.eval()
    expected = model(**{n: encoded[n] for n in names}).logits.argmax(1).numpy()
    assert (holds(path)[0] == expected).all()


def test_what_the_trainer_does_not_show_is_refused(path):
    with pytest.raises(lo.LearnOrderError, match="see neither batches nor outputs"):
        recorder(path, as_seen="train")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def one_of_two(rank, port, path, keep):
    """Train as one of two processes; the first one keeps its weights."""
    about = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**about, "MASTER_ADDR": "127.0.0.1"}.items():
            patch.setenv(name, str(value))
        # what this process has inherited says that it is alone
        AcceleratorState._reset_state(reset_partial_state=True)
        PartialState._reset_state()
        callbacks = [] if path is None else [recorder(path)]
        network = train(*callbacks, ddp_backend="gloo", dataloader_drop_last=False)
        assert torch.distributed.get_world_size() == 2
        if rank == 0:
            torch.save(network.state_dict(), keep)
        torch.distributed.destroy_process_group()


def in_two_processes(path, keep):
    fork = multiprocessing.get_context("fork")
    port = free_port()
    both = [fork.Process(target=one_of_two, args=(rank, port, path, keep)) for rank in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    return torch.load(keep, weights_only=True)


def test_two_processes_make_one_log(path, tmp_path):
    # 61 examples: a sampler adds one of them again
    plain = in_two_processes(None, tmp_path / "plain.pt")
    network = in_two_processes(path, tmp_path / "recorded.pt")
    assert all(torch.equal(plain[name], network[name]) for name in plain)
    assert epochs(path) == [1, 2]
    assert state_of(path)["status"] == "finished"
