"""Three lines in a loop: what is recorded is what is read, and what does not fit is told."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tests.recording.here import LABELS, classes, record, refused

import learnorder as lo
from learnorder.log.creation import create_log
from learnorder.log.description import describe
from learnorder.log.reader import Log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter


def stored(path, split="test", **how):
    return lo.open_log(path, **how)[split].prediction


def test_what_is_recorded_is_what_is_read(begin, path):
    for seed in (3, 1):
        recorder = begin(seed)
        record(recorder, [0, 0.5, 1, 10], seed)
        recorder.finish()
    log = lo.open_log(path)
    assert list(log) == ["train", "test"]
    for split in LABELS:
        assert log[split].epoch.values.tolist() == [0, 0.5, 1, 10]
        assert log[split].seed.values.tolist() == [1, 3]
        assert np.array_equal(log[split].label, LABELS[split])
        for seed in (1, 3):
            for epoch in (0, 0.5, 1, 10):
                found = log[split].prediction.sel(replicate=seed, epoch=epoch)
                assert np.array_equal(found, classes(epoch, split, seed))
    assert verify_log(path).intact


def test_classes_are_the_largest_label_and_one_or_what_is_asked_for(begin, path, tmp_path):
    record(begin(), [1])
    assert lo.open_log(path, unfinished=True).header.n_classes == 3
    wide = lo.Recorder(tmp_path / "wide.zarr", seed=0, labels={"test": [0, 1]}, n_classes=1000)
    wide.record(1, "test", [999, 0])
    named = lo.Recorder(
        tmp_path / "named.zarr",
        seed=0,
        labels={"test": [0, 1]},
        class_names=np.array(["cat", "dog", "eel"]),
    )
    named.record(1, "test", [2, 0])
    for recorder in (wide, named):
        recorder.finish()
    assert stored(tmp_path / "wide.zarr").dtype == "uint16"
    assert lo.open_log(tmp_path / "named.zarr")["test"].class_names == ["cat", "dog", "eel"]


def test_ids_and_splits_without_labels_and_previews(path):
    images = np.arange(2 * 6 * 5, dtype=np.uint8).reshape(2, 6, 5)
    with lo.Recorder(
        path,
        seed=0,
        labels={"test": [0, 1], "noise": None},
        ids={"test": ["a", "b"], "noise": range(10, 13)},
        examples={"test": images},
    ) as recorder:
        recorder.record(1, "noise", [1, 1, 0])
        recorder.record(1, "test", [1, 1])
    log = lo.open_log(path)
    assert log["test"].example.values.tolist() == ["a", "b"]
    assert log["noise"].example.values.tolist() == [10, 11, 12]
    assert "label" not in log["noise"]
    assert np.array_equal(log.previews("test").images, images)
    assert lo.agreement(log["noise"]).dims == ("epoch", "example")


def test_texts_are_kept_as_previews(path):
    texts = {"test": ["one two", "three"]}
    with lo.Recorder(path, seed=0, labels={"test": [0, 1]}, examples=texts) as recorder:
        recorder.record(1, "test", [1, 1])
    assert lo.open_log(path).previews("test").texts == ("one two", "three")


def test_loop_goes_on_after_the_last_committed_epoch(begin, path):
    first = begin()
    assert first.last_epoch is None
    record(first, [1, 2])
    first.record(3, "train", classes(3, "train"))  # half an epoch
    first.close()
    second = begin(resume=True)
    assert second.last_epoch == 2
    record(second, range(second.last_epoch + 1, 5))
    second.finish()
    assert stored(path).epoch.values.tolist() == [1, 2, 3, 4]
    third = begin()  # a finished replicate takes more epochs
    record(third, [5])
    third.finish()
    assert np.array_equal(stored(path).sel(epoch=5)[0], classes(5, "test"))
    assert verify_log(path).intact
    assert verify_log(path).orphans == []


def test_resume_can_be_refused(begin):
    first = begin()
    record(first, [1, 2])
    first.close()
    begin(1, resume=False)  # nothing of it is committed
    for _ in range(2):
        with refused(r"replicate 0 of .* has epochs up to 2\. .*resume=True"):
            begin(0, resume=False)


def test_epoch_again_is_nothing_with_the_same_and_refused_with_other_predictions(begin, path):
    recorder = begin()
    record(recorder, [1, 2])
    record(recorder, [1])
    recorder.record(2, "train", classes(2, "train"))
    with refused(r"epoch 2 of replicate 0 is in .* with other predictions of split 'test'"):
        recorder.record(2, "test", (classes(2, "test") + 1) % 3)
    record(recorder, [3])
    recorder.finish()
    assert stored(path).epoch.values.tolist() == [1, 2, 3]
    assert np.array_equal(stored(path).sel(epoch=2)[0], classes(2, "test"))


def test_log_stays_where_it_is_when_the_folder_of_the_process_changes(tmp_path, monkeypatch):
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "before")
    with lo.Recorder("runs.zarr", seed=0, labels=LABELS) as recorder:
        record(recorder, [1])
        monkeypatch.chdir(tmp_path / "after")
        record(recorder, [2])
    assert stored(tmp_path / "before/runs.zarr").epoch.values.tolist() == [1, 2]
    assert list((tmp_path / "after").iterdir()) == []


def test_epochs_ascend(begin):
    recorder = begin()
    record(recorder, [1, 3])
    with refused(r"epoch 2 comes after epoch 3 of replicate 0"):
        recorder.record(2, "test", classes(2, "test"))
    record(recorder, [4])


def test_splits_come_in_pieces_in_any_order(begin, path):
    recorder = begin()
    recorder.record(1, "test", classes(1, "test"))
    order = np.random.default_rng(0).permutation(12)
    for piece in np.array_split(order, 4):
        assert recorder.last_epoch is None
        recorder.record(1, "train", classes(1, "train")[piece], index=piece)
    assert recorder.last_epoch == 1
    recorder.finish()
    assert np.array_equal(stored(path, "train")[0, 0], classes(1, "train"))


def test_padding_may_repeat_and_nothing_else_may_differ(begin, path):
    recorder = begin()
    right = classes(1, "test")
    recorder.record(1, "test", right[[0, 1, 2, 0]], index=[0, 1, 2, 0])
    recorder.record(1, "test", right[[2]], index=torch.tensor([2]))
    with refused(r"example 2 has two predictions, classes \d and \d"):
        recorder.record(1, "test", [(right[2] + 1) % 3, right[3]], index=[2, 3])
    with refused(r"example 4 has two predictions, classes 0 and 1"):
        recorder.record(1, "test", [0, 1], index=[4, 4])
    assert recorder.missing(1, "test").tolist() == [3, 4, 5, 6]  # nothing of what was refused
    recorder.record(1, "train", classes(1, "train"))
    with refused(
        r"epoch 1 .* incomplete: 4 of 7 examples of split 'test' .*the first is example 3"
    ):
        recorder.record(2, "train", classes(2, "train"))
    with refused(r"incomplete: 4 of 7 examples"):
        recorder.finish()
    rest = recorder.missing(1, "test")
    recorder.record(1, "test", right[rest], index=rest)
    assert recorder.missing(1, "test").size == 0
    with refused(r"epoch 2 of replicate 0 is incomplete: split 'train' is not recorded"):
        recorder.record(2, "test", classes(2, "test"))
        recorder.record(3, "test", classes(3, "test"))
    recorder.close()
    assert stored(path, unfinished=True).epoch.values.tolist() == [1]


def test_as_seen_in_training_the_first_time_counts_and_the_log_says_so(begin, path):
    recorder = begin(as_seen="train")
    first = classes(1, "train")
    recorder.record(1, "train", first[:6], index=range(6))
    recorder.record(1, "train", np.r_[(first[5] + 1) % 3, first[6:]], index=[5, *range(6, 12)])
    recorder.record(1, "test", classes(1, "test"))
    recorder.record(2, "train", first[:9], index=range(9))  # as drop_last leaves it
    recorder.record(2, "test", first[:7])
    with refused(r"epoch 2 .* 3 of 12 examples of split 'train' have no prediction"):
        recorder.record(3, "test", first[:7])
    rest = recorder.missing(2, "train")
    recorder.record(2, "train", first[rest], index=rest)
    recorder.finish()
    log = lo.open_log(path)
    assert np.array_equal(log["train"].prediction[0], [first, first])
    assert log["train"].attrs["as_seen"] is True
    assert "as_seen" not in log["test"].attrs
    with refused(r"as_seen is \['train'\] there and \[\] here", lo.SpecDiffers):
        begin(1)


def test_context_finishes_or_leaves_it_interrupted(begin, path):
    with begin(0) as recorder:
        record(recorder, [1])
    with pytest.raises(KeyError), begin(1) as recorder:  # noqa: PT012
        record(recorder, [1])
        raise KeyError
    states = {r.seed: r.status for r in lo.open_log(path).replicates}
    assert states == {0: "finished", 1: "interrupted"}
    with refused("nothing was recorded of replicate 2"), begin(2):
        pass
    with begin(1) as recorder:
        recorder.finish()
        recorder.finish()
    assert stored(path).seed.values.tolist() == [0, 1]
    with refused("is closed here"):
        recorder.record(2, "test", classes(2, "test"))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"labels": {**LABELS, "test": LABELS["test"][::-1].copy()}}, lo.ExamplesDiffer,
         r"labels \(4 of 7 in split 'test'; the first at position 1\): 1 in the log and 2 here"),
        ({"labels": {**LABELS, "test": LABELS["test"][:6]}}, lo.ExamplesDiffer,
         r"numbers of examples in split 'test': 7 in the log and 6 here"),
        ({"labels": {"test": LABELS["test"]}}, lo.ExamplesDiffer,
         r"splits: \['test', 'train'\] in the log and \['test'\] here"),
        ({"ids": {"test": [0, 1, 3, 2, 4, 5, 6]}}, lo.ExamplesDiffer,
         r"ids at position 2 of split 'test': 2 in the log and 3 here"),
        ({"ids": {"test": list("abcdefg")}}, lo.ExamplesDiffer,
         r"ids at position 0 of split 'test': 0 in the log and 'a' here"),
        ({"labels": {**LABELS, "test": None}, "ids": {"test": range(7)}}, lo.ExamplesDiffer,
         r"split 'test': 'labels' in the log and 'no labels' here"),
        ({"n_classes": 4}, lo.SpecDiffers, r"n_classes is 3 there and 4 here"),
        ({"class_names": ["a", "b", "c"]}, lo.SpecDiffers, r"name of class 0 is '0' there and 'a'"),
        ({"about": {"lr": 0.2, "layers": [1, 2]}}, lo.SpecDiffers,
         r"about\['lr'\] is 0\.1 there and 0\.2 here"),
        ({"about": {"lr": 0.1}}, lo.SpecDiffers,
         r"about\['layers'\] is \[1, 2\] there and 'not given' here"),
    ],
)  # fmt: skip
def test_log_of_something_else_is_refused_by_the_constructor(begin, path, change, kind, message):
    begin(about={"lr": 0.1, "layers": (1, 2)}).close()
    begin(about={"layers": [1, 2], "lr": 0.1}).close()
    with refused(message, kind):
        begin(1, **{"about": {"lr": 0.1, "layers": [1, 2]}, **change})
    assert [r.seed for r in lo.open_log(path).replicates] == [0]


def test_log_of_train_is_refused(tiny_log):
    with refused("is a log of `learnorder train`", lo.SpecDiffers):
        lo.Recorder(tiny_log, seed=0, labels=LABELS)


def test_random_streams_are_left_alone(begin):
    def states():
        numpy_state = np.random.get_state()  # noqa: NPY002
        return (
            random.getstate(),
            [str(part) for part in numpy_state],
            torch.get_rng_state().tolist(),
        )

    torch.manual_seed(1)
    before = states()
    with begin(about={"lr": 1.0}) as recorder:
        recorder.record(1, "train", torch.eye(3)[torch.arange(12) % 3].bfloat16())
        recorder.record(1, "test", classes(1, "test"), index=range(7))
    assert states() == before
    torch.rand(1)
    assert states() != before  # the test can fail


def test_one_chunk_and_one_record_for_each_epoch_and_split(begin, path):
    recorder = begin()
    record(recorder, [1])

    def files():
        return {p.relative_to(path) for p in path.rglob("*") if p.is_file()}

    before = files()
    record(recorder, [2])
    assert len(files() - before) == 4
    assert len(before - files()) == 0


def test_what_the_system_refuses_is_told_and_the_epoch_can_be_recorded_again(
    begin, path, monkeypatch
):
    recorder = begin()
    record(recorder, [1])
    recorder.record(2, "train", classes(2, "train"))
    real, calls = ReplicateWriter._commit, []

    def full(self, lane, *given):
        calls.append(lane.name)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(self, lane, *given)

    monkeypatch.setattr(ReplicateWriter, "_commit", full)
    with refused(r"cannot be written \(No space left on device\)"):
        recorder.record(2, "test", classes(2, "test"))
    assert recorder.last_epoch == 1
    record(recorder, [3])  # what was whole before is written first
    recorder.finish()
    assert stored(path).epoch.values.tolist() == [1, 2, 3]
    assert verify_log(path).intact


def test_log_that_appears_in_the_meantime_is_shared_or_told(begin, path, monkeypatch):
    def create_second(place, new, **how):
        monkeypatch.undo()
        begin(5).close()
        return create_log(place, new, **how)

    monkeypatch.setattr("learnorder.recording.recorder.create_log", create_second)
    with refused(r"about\['lr'\] is 'not given' there and 1 here", lo.SpecDiffers):
        begin(0, about={"lr": 1})
    begin(1)
    assert [r.seed for r in lo.open_log(path).replicates] == [1, 5]


def state_of(path):
    return describe(Log(path))["replicates"][0]


def test_a_failed_replicate_says_why_and_can_be_gone_on_with(begin, path):
    recorder = begin()
    record(recorder, [1])
    recorder.record(2, "test", classes(2, "test"))
    recorder.fail("the network is gone")
    recorder.fail("said already")
    state = state_of(path)
    assert (state["status"], state["reason"]) == ("failed", "the network is gone")
    assert state["epochs"] == {"train": 1, "test": 1}
    recorder = begin()
    record(recorder, [2])
    recorder.finish()
    assert state_of(path)["status"] == "finished"


def test_what_was_finished_does_not_fail_by_what_adds_nothing(begin, path):
    recorder = begin()
    record(recorder, [1])
    recorder.finish()
    begin().fail("nothing came of it")
    assert state_of(path)["status"] == "finished"
    recorder = begin()
    record(recorder, [2])
    recorder.fail("the disk is full")
    assert state_of(path)["status"] == "failed"


def test_a_learner_that_stops_is_said_to(begin, path):
    recorder = begin()
    assert recorder.n_classes == 3
    record(recorder, [1])
    recorder.finish({"epoch": 1, "reason": "a perfect fit"})
    assert state_of(path)["stopped"] == {"epoch": 1, "reason": "a perfect fit"}
