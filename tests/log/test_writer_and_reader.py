"""What is committed is there, whole and labelled; what is not committed does not exist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnorder.errors import LearnOrderError, LogBusy, LogDamaged, LogNotFound, SpecDiffers
from learnorder.log import creation as creation_module
from learnorder.log import layout
from learnorder.log import writer as writer_module
from learnorder.log.claim import Claim, is_claimed
from learnorder.log.creation import NewLog, create_log, plan_replicates
from learnorder.log.description import describe
from learnorder.log.location import locate
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples, Previews, prediction_dtype

NAMES = ["a", "b", "c"]


def new_log(path, n_classes=3, test=None, previews=None, n_train=8, identity="identity"):
    """Create a log of two splits."""
    train = Examples(np.arange(n_train) + 100, np.arange(n_train) % n_classes)
    test = test or Examples(np.arange(5), np.zeros(5, np.int64))
    about = {
        "name": "d",
        "kind": "features",
        "fingerprint": "f",
        "class_names": [str(k) for k in range(n_classes)],
    }
    splits = {"train": (train, previews), "test": (test, None)}
    create_log(path, NewLog({}, identity, about, {"learnorder": "0"}, splits))
    return path


def record(seed, index, n_train=8, n_test=5, dtype=np.uint8, value=None):
    """Predictions that differ from epoch to epoch."""
    rng = np.random.default_rng([seed, index])

    def draw(n):
        return (rng.integers(0, 3, n) if value is None else np.full(n, value)).astype(dtype)

    return EpochPredictions(
        seed, index, index + 1.0, {"train": draw(n_train), "test": draw(n_test)}
    )


def finish(path, seed, n_epochs=3):
    with ReplicateWriter(path, seed, [e + 1.0 for e in range(n_epochs)], {}) as writer:
        for index in range(n_epochs):
            writer.write(record(seed, index))
        writer.finish()


def test_what_was_written_is_read_sorted_by_seed(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    for seed in (7, 2):
        finish(path, seed)
    test = open_log(path)["test"]
    assert test.prediction.dims == ("replicate", "epoch", "example")
    assert test.seed.values.tolist() == [2, 7]
    assert test.epoch.values.tolist() == [1.0, 2.0, 3.0]
    for seed in (2, 7):
        for index in range(3):
            stored = test.prediction.sel(replicate=seed, epoch=index + 1.0).values
            assert np.array_equal(stored, record(seed, index).predictions["test"])
    assert open_log(path)["train"].example.values.tolist() == list(range(100, 108))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_index_reads_the_same_as_the_whole(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "indexed.zarr"
    if not path.exists():
        new_log(path)
        for seed in range(3):
            finish(path, seed)
    whole = open_log(path)["train"].prediction.values
    index = st.one_of(
        st.integers(0, 2),
        st.slices(3).filter(lambda s: (s.step or 1) > 0),
        st.lists(st.integers(0, 2), min_size=1, max_size=4),
    )
    key = tuple(data.draw(index) for _ in range(3))
    part = open_log(path)["train"].prediction.isel(replicate=key[0], epoch=key[1], example=key[2])
    expected = whole
    for axis, k in zip((2, 1, 0), reversed(key), strict=True):
        expected = np.take(expected, np.arange(whole.shape[axis])[k], axis=axis)
    assert np.array_equal(part.values, expected)


def test_epoch_without_commit_record_does_not_exist(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with ReplicateWriter(path, 0, [1.0, 2.0, 3.0], {}) as writer:
        for index in range(3):
            writer.write(record(0, index))
    (removed,) = path.glob("replicates/r0000/attempt-*/commits/test/000002.json")
    removed.unlink()
    log = open_log(path, unfinished=True)
    assert log["test"].epoch.values.tolist() == [1.0, 2.0]
    assert log["train"].epoch.values.tolist() == [1.0, 2.0, 3.0]


def test_lost_commit_record_of_a_finished_replicate_is_named_and_can_be_written_again(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    before = open_log(path)["test"].prediction.values
    (removed,) = path.glob("replicates/r0000/attempt-*/commits/test/000001.json")
    removed.unlink()
    with pytest.raises(LogDamaged, match=r"commits/test/000001\.json is missing"):
        open_log(path)["test"]
    finish(path, 0)
    assert np.array_equal(open_log(path)["test"].prediction.values, before)


def test_replicate_of_another_log_is_refused(tmp_path):
    path, other = new_log(tmp_path / "log.zarr"), new_log(tmp_path / "o.zarr", identity="other")
    for log in (path, other):
        finish(log, 0)
    finish(other, 1)
    shutil.copytree(other / "replicates" / "r0001", path / "replicates" / "r0001")
    with pytest.raises(LogDamaged, match=r"r0001.*is the record of another log"):
        open_log(path)["test"]
    with pytest.raises(SpecDiffers, match="identity other, not identity"):
        ReplicateWriter(other, 2, [1.0], {}, "identity")
    assert layout.planned_seeds(other) == [0, 1]


def test_log_that_another_process_creates_at_the_same_moment_is_shared(tmp_path, monkeypatch):
    path = tmp_path / "log.zarr"
    move = creation_module._move_into_place

    def appear_first(identity):
        def lose_the_race(staging, final):
            monkeypatch.setattr(creation_module, "_move_into_place", move)
            new_log(path, identity=identity)
            finish(path, 0)
            move(staging, final)

        monkeypatch.setattr(creation_module, "_move_into_place", lose_the_race)

    appear_first("identity")
    new_log(path)
    assert open_log(path)["test"].sizes["replicate"] == 1
    shutil.rmtree(path)
    appear_first("other")
    with pytest.raises(SpecDiffers, match="another spec or other data"):
        new_log(path)
    assert layout.read_header(path).identity == "other"
    assert [p.name for p in tmp_path.iterdir()] == ["log.zarr"]


def test_log_can_be_created_through_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    for name, target in (("empty", "disk"), ("dangling", "later")):
        (tmp_path / name).symlink_to(tmp_path / target)
        finish(new_log(tmp_path / name), 0)
        assert open_log(tmp_path / target)["test"].sizes["replicate"] == 1


def test_seeds_entered_by_several_processes_at_once(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: plan_replicates(path, range(20)), range(8)))
    assert layout.planned_seeds(path) == list(range(20))


def test_predictions_of_a_wider_type_are_the_same_predictions(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        writer.write(record(0, 0, dtype=np.int64))
        writer.write(record(0, 0))
        writer.write(record(0, 0, dtype=np.uint16))
        writer.finish()


def test_unfinished_replicates_are_left_out_and_named(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    plan_replicates(path, [0, 1, 2])
    finish(path, 0)
    with ReplicateWriter(path, 1, [1.0, 2.0], {}) as writer:
        writer.write(record(1, 0))
        assert describe(open_log(path))["replicates"][1]["status"] == "running"
    about = open_log(path)["test"].attrs
    assert about["n_replicates_planned"] == 3
    assert [(r["seed"], r["status"]) for r in about["left_out"]] == [
        (1, "interrupted"),
        (2, "planned"),
    ]
    states = describe(open_log(path))["replicates"]
    assert [r["epochs"] for r in states] == [
        {"train": 3, "test": 3},
        {"train": 1, "test": 1},
        {"train": 0, "test": 0},
    ]
    everything = open_log(path, unfinished=True)["test"].prediction.values
    assert everything.shape == (2, 3, 5)
    assert (everything[1, 1:] == 255).all()


def test_attempt_with_committed_epochs_is_resumed_never_replaced(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with ReplicateWriter(path, 0, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(record(0, 0))
    with ReplicateWriter(path, 0, [1.0, 2.0, 3.0], {}) as writer:
        assert writer.n_committed == 1
        for index in (1, 2):
            writer.write(record(0, index))
        writer.finish()
    assert len(list(path.glob("replicates/r0000/attempt-*"))) == 1
    assert open_log(path)["test"].sizes["epoch"] == 3


def test_training_again_must_give_the_same_predictions(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    with ReplicateWriter(path, 0, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(record(0, 0))  # the same: nothing happens
        with pytest.raises(LearnOrderError, match=r"replicate 0, trained again.*epoch 2"):
            writer.write(record(0, 1, value=2))


def test_other_grid_is_refused(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    with pytest.raises(LearnOrderError, match=r"epoch 2 at position 1 .* cannot become 2\.5"):
        ReplicateWriter(path, 0, [1.0, 2.5, 3.0], {})


HOLD = """
import sys, time
from pathlib import Path
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
writer = ReplicateWriter(Path(sys.argv[1]), 0, [1.0], {})
print("held", flush=True)
time.sleep(60)
"""


def test_second_writer_gets_a_clear_error_and_the_claim_dies_with_its_process(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(LogBusy, match="replicate 0 is being written by another process"):
            ReplicateWriter(path, 0, [1.0], {})
        holder.kill()
        holder.wait()
    start = time.monotonic()
    ReplicateWriter(path, 0, [1.0], {}).release()
    assert time.monotonic() - start < 30


def test_claim_is_not_kept_by_a_child_of_a_process_that_let_go_or_died(tmp_path):
    claim = Claim(tmp_path / "claim", "it")
    go_on, wait = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(wait)
        os.read(go_on, 1)
        os._exit(0)
    try:
        assert is_claimed(tmp_path / "claim")
        claim.release()
        claim.release()
        assert not is_claimed(tmp_path / "claim")
    finally:
        os.close(wait)
        os.close(go_on)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"train": r["train"]}, r"the prediction for the splits \['train'\]; the log"),
        (lambda r: {**r, "test": r["test"][:3]}, r"5 examples.*shape \(3,\)"),
        (lambda r: {**r, "test": np.full(5, 3, np.uint8)}, "predicts class 3.*there are 3 classes"),
    ],
)
def test_predictions_that_do_not_fit_are_refused_whole(tmp_path, change, message):
    path = new_log(tmp_path / "log.zarr")
    good = record(0, 0)
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        with pytest.raises(LearnOrderError, match=message):
            writer.write(EpochPredictions(0, 0, 1.0, change(dict(good.predictions))))
        assert writer.n_committed == 0
        with pytest.raises(LearnOrderError, match="0 of 1 epochs committed"):
            writer.finish()


@pytest.mark.parametrize(
    ("n_classes", "dtype"),
    [
        (1, "uint8"),
        (254, "uint8"),
        (255, "uint8"),
        (256, "uint16"),
        (65_535, "uint16"),
        (65_536, "uint32"),
        (70_000, "uint32"),
    ],
)
def test_class_counts_get_the_smallest_type_that_leaves_room(tmp_path, n_classes, dtype):
    path = new_log(tmp_path / "log.zarr", n_classes, n_train=1)
    assert prediction_dtype(n_classes) == dtype
    votes = {"train": np.array([n_classes - 1]).astype(dtype), "test": np.zeros(5, dtype)}
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        writer.write(EpochPredictions(0, 0, 1.0, votes))
        writer.finish()
    stored = open_log(path)["train"].prediction
    assert stored.dtype == dtype
    assert stored.values.item() == n_classes - 1


def test_ids_labels_and_previews_come_back_as_they_were(tmp_path):
    ids = np.array(["naïve", "b/c", "", "x" * 300, "日本"])
    images = np.random.default_rng(0).integers(0, 255, (3, 4, 4, 3)).astype(np.uint8)
    previews = Previews(np.array([0, 3, 5]), images=images)
    path = new_log(tmp_path / "log.zarr", test=Examples(ids, None), previews=previews)
    finish(path, 0)
    log = open_log(path)
    assert log["test"].example.values.tolist() == ids.tolist()
    assert "label" not in log["test"]
    kept = log.previews("train")
    assert kept is not None
    assert np.array_equal(kept.images, images)
    assert kept.positions.tolist() == [0, 3, 5]
    assert log.previews("test") is None


def test_zarr_reads_the_log_without_us(tmp_path):
    import zarr

    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    (segment,) = path.glob("replicates/r0000/attempt-*/segment-*")
    stored = zarr.open_array(segment / "test", mode="r")
    assert np.array_equal(stored[1], record(0, 1).predictions["test"])
    root = zarr.open_group(path, mode="r")
    assert root.attrs["learnorder"]["dataset"]["name"] == "d"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "x" * 65])
def test_split_names_cannot_lead_out_of_the_log(tmp_path, name):
    examples = Examples(np.arange(2), np.zeros(2, np.int64))
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": NAMES}
    with pytest.raises(LearnOrderError, match="cannot name a split"):
        create_log(tmp_path / "log.zarr", NewLog({}, "i", about, {}, {name: (examples, None)}))
    assert list(tmp_path.iterdir()) == []


def test_nothing_or_something_else_at_the_path_is_one_line(tmp_path):
    with pytest.raises(LogNotFound, match="does not exist"):
        open_log(tmp_path / "no")
    (tmp_path / "file").write_text("x")
    with pytest.raises(LogNotFound, match="is no log"):
        open_log(tmp_path / "file")
    (tmp_path / "zarr").mkdir()
    (tmp_path / "zarr" / "zarr.json").write_text('{"attributes": {}}')
    with pytest.raises(LogNotFound, match="has no header"):
        open_log(tmp_path / "zarr")


def test_log_without_a_finished_replicate_says_so(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    plan_replicates(path, range(2))
    with pytest.raises(LearnOrderError, match="none of the 2 replicates"):
        open_log(path)["test"]
    with pytest.raises(
        LearnOrderError, match=r"no split 'tets'\. The nearest known name is 'test'"
    ):
        open_log(path)["tets"]


def test_newer_format_is_refused_with_the_version_needed(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    root = path / "zarr.json"
    root.write_text(root.read_text().replace('"format_version": 3', '"format_version": 4'))
    with pytest.raises(LearnOrderError, match=r"format 4, written by learnorder 0; .* 1 to 3"):
        layout.read_header(path)


def test_forked_child_cannot_touch_what_its_parent_commits(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    with ReplicateWriter(path, 0, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(record(0, 0))
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            try:
                writer.write(record(1, 1))
            except LogBusy:
                os._exit(7)
            os._exit(0)
        writer.write(record(0, 1))
        os.write(go, b"x")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        writer.write(record(0, 2))
        writer.finish()
    assert verify_log(path).problems == []
    found = open_log(path)["train"].prediction.sel(replicate=0, epoch=2.0).values
    assert np.array_equal(found, record(0, 1).predictions["train"])


def test_write_that_failed_while_allocating_can_be_tried_again(tmp_path, monkeypatch):
    path = new_log(tmp_path / "log.zarr")
    real = writer_module.create_lane
    calls = []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(writer_module, "create_lane", once)
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        with pytest.raises(OSError, match="No space"):
            writer.write(record(0, 0))
        writer.write(record(0, 0))
        writer.finish()
    assert verify_log(path).problems == []


@pytest.mark.parametrize("inside", ["runs/log.zarr", "examples/log.zarr", "log.zarr"])
def test_log_inside_a_log_is_refused(tmp_path, inside):
    outer = new_log(tmp_path / "outer.zarr")
    (tmp_path / "link").symlink_to(outer)
    for folder in (outer, tmp_path / "link"):
        with pytest.raises(LearnOrderError, match=r"lies inside the log .*outer\.zarr\. A log"):
            new_log(folder / inside)
    assert verify_log(outer).problems == []
    new_log(tmp_path / "beside.zarr")


def test_log_inside_a_log_elsewhere_is_refused():
    outer = new_log(locate(f"memory://{uuid.uuid4().hex}/outer.zarr"))
    with pytest.raises(LearnOrderError, match="lies inside the log memory"):
        new_log(outer / "inner.zarr")


def test_log_may_lie_in_a_zarr_group_of_somebody_else(tmp_path):
    (tmp_path / "zarr.json").write_text('{"attributes": {}, "zarr_format": 3}')
    new_log(tmp_path / "log.zarr")


def test_lost_record_of_a_seed_is_written_again_as_it_was(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    with ReplicateWriter(path, 1, [1.0, 2.0], {}) as writer:
        writer.write(record(1, 0))
    plan_replicates(path, [2])
    states = {seed: layout.seed_file(path, seed).read_bytes() for seed in range(3)}
    for seed in range(3):
        layout.seed_file(path, seed).unlink()
    assert len(verify_log(path).problems) == 3
    plan_replicates(path, range(3))
    assert {seed: layout.seed_file(path, seed).read_bytes() for seed in range(3)} == states
    assert verify_log(path).problems == []


@pytest.mark.parametrize("damage", ["flip", "empty", "missing"])
def test_damaged_file_of_an_array_is_named_without_the_words_of_a_library(tmp_path, damage):
    path = new_log(tmp_path / "log.zarr")
    finish(path, 0)
    for file in (path / "examples/test/id").iterdir():
        content = file.read_bytes()
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes(b"" if damage == "empty" else bytes([content[0] ^ 1, *content[1:]]))
        with pytest.raises(LogDamaged) as error:
            open_log(path)["test"]
        what = "is missing" if damage == "missing" else "differs from the checksum it was written"
        assert str(error.value).startswith(f"log: {file} {what}")
        file.write_bytes(content)


def test_log_says_what_it_is(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    assert repr(open_log(path)) == f"<Log '{path}': 3 classes; train (8), test (5)>"
