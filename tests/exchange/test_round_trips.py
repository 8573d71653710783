"""What is exported and imported again is the same log, as far as the format holds it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.exchange.conftest import NAMES, assert_same, make_split

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.exchange.formats import FORMATS
from learnorder.log.verify import verify_log
from learnorder.schema import OF_LABEL

BASELINES = ("input_norm",)


@pytest.mark.parametrize(
    ("format_", "name", "lacks"),
    [
        ("npz", "log.npz", ()),
        ("npy", "log", ()),
        ("csv", "log.csv", BASELINES),
        ("csv", "log.csv.gz", BASELINES),
        ("parquet", "log.parquet", BASELINES),
    ],
)
def test_formats_of_all_splits_give_the_same_log(format_, name, lacks, rich_log, tmp_path):
    done = lo.export_log(rich_log, format_, tmp_path / name)
    assert dict(done.splits) == {"train": 24, "test": 20, "ood": 10}
    assert ("baselines" in done.lost) == bool(lacks)
    # CSV has no place for class names, which is said
    names = NAMES if format_ == "csv" else None
    assert ("class names" in done.lost) == (format_ == "csv")
    back = lo.import_log(tmp_path / name, tmp_path / "back.zarr", class_names=names)
    assert back.format == format_
    assert back.notes == []
    assert_same(lo.open_log(rich_log), lo.open_log(back.path), but=lacks)
    assert verify_log(back.path).intact


@pytest.mark.parametrize("split", ["train", "test", "ood"])
def test_huggingface_gives_the_split_back(split, rich_log, tmp_path):
    lo.export_log(rich_log, "huggingface", tmp_path / "log.parquet", split=split)
    back = lo.import_log(tmp_path / "log.parquet", tmp_path / "back.zarr", split=split)
    assert_same({split: lo.open_log(rich_log)[split]}, lo.open_log(back.path), but=BASELINES)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("wide", [False, True])
def test_frames_give_the_same_log(library, wide, rich_log, tmp_path):
    log = lo.open_log(rich_log)
    wanted = {"train": log["train"]} if wide else log
    frame = lo.to_frame(log["train"] if wide else log, library, wide=wide)
    assert type(frame).__module__.split(".")[0] == library
    source = {"train": frame} if wide else frame
    back = lo.import_log(source, tmp_path / "back.zarr", class_names=NAMES)
    assert back.notes == []
    assert_same(wanted, lo.open_log(back.path), but=BASELINES)


def test_cartography_gives_back_what_training_dynamics_say(rich_log, tmp_path):
    done = lo.export_log(rich_log, "cartography", tmp_path / "dynamics", split="train")
    told = " ".join(done.lost)
    assert "epoch 0, before training" in told
    assert "which epochs were recorded (0.5, 1, 2)" in told
    assert "made up" in told
    back = lo.import_log(tmp_path / "dynamics", tmp_path / "back.zarr", split="train")
    was, now = lo.open_log(rich_log)["train"].isel(epoch=slice(1, None)), lo.open_log(back.path)
    assert now["train"].epoch.values.tolist() == [1, 2, 3]
    assert now["train"].seed.values.tolist() == [2, 7, 30]
    assert np.array_equal(was.prediction.values, now["train"].prediction.values)
    assert np.array_equal(was.label.values, now["train"].label.values)
    assert was.example.values.tolist() == now["train"].example.values.tolist()
    # the lesser of two nearly equal probabilities may be moved by one step of half precision
    assert np.abs(was.probability.values - now["train"].probability.values).max() <= 2**-11
    assert np.allclose(lo.confidence(was).values, lo.confidence(now["train"]).values, atol=1e-3)


def test_pyirt_gives_back_who_was_right(rich_log, tmp_path):
    lo.export_log(rich_log, "py-irt", tmp_path / "irt.jsonl", split="train", epoch=0.5)
    back = lo.import_log(tmp_path / "irt.jsonl", tmp_path / "back.zarr", split="train")
    assert any("not which class" in note for note in back.notes)
    was, now = lo.open_log(rich_log)["train"].sel(epoch=[0.5]), lo.open_log(back.path)["train"]
    assert now.attrs["class_names"] == ["wrong", "right"]
    assert now.epoch.values.tolist() == [0.5]
    assert now.seed.values.tolist() == [2, 7, 30]
    right = was.prediction.values == was.label.values
    assert np.array_equal(right, now.prediction.values == now.label.values)
    assert np.array_equal(lo.accessibility(was).values, lo.accessibility(now).values)


def test_ids_that_are_numbers_stay_numbers_and_rows_may_come_in_any_order(tmp_path):
    log = lo.from_arrays(
        np.random.default_rng(0).integers(0, 300, (2, 3, 40)),
        np.arange(40) * 7,
        ids=(np.arange(40)[::-1] - 20) * 10,
        split="train",
    )
    frame = lo.to_frame(log)
    shuffled = frame.sample(frac=1, random_state=1)
    for name, source in (("csv", frame), ("mixed", shuffled)):
        source.to_csv(tmp_path / f"{name}.csv", index=False)
        lo.import_log(tmp_path / f"{name}.csv", tmp_path / f"{name}.zarr")
    back = lo.open_log(tmp_path / "csv.zarr")["train"]
    assert back.example.dtype == np.int64
    assert np.array_equal(log.prediction.values, back.prediction.values)
    mixed = lo.open_log(tmp_path / "mixed.zarr")["train"].sel(example=back.example.values)
    assert np.array_equal(log.prediction.values, mixed.prediction.values)
    assert np.array_equal(log.label.values, mixed.label.values)


def test_what_csv_cannot_tell_is_told(tmp_path):
    log = lo.from_arrays([[[0, 1]]], ids=["1", "-2"])
    done = lo.export_log(log, "csv", tmp_path / "log.csv")
    assert any("ids are texts" in lost for lost in done.lost)
    lo.import_log(tmp_path / "log.csv", tmp_path / "back.zarr")
    assert lo.open_log(tmp_path / "back.zarr")["test"].example.values.tolist() == [1, -2]


def test_true_labels_survive(tmp_path):
    log = make_split("train", [f"a{k}" for k in range(12)])
    log = log.assign(true_label=("example", (log.label.values + 1) % 5))
    lo.import_log({"train": log}, tmp_path / "one.zarr")
    for format_, name in (("npz", "a.npz"), ("parquet", "a.parquet"), ("npy", "a")):
        lo.export_log(tmp_path / "one.zarr", format_, tmp_path / name)
        lo.import_log(tmp_path / name, tmp_path / f"{name}.zarr")
        back = lo.open_log(tmp_path / f"{name}.zarr")["train"]
        assert np.array_equal(back.true_label.values, log.true_label.values), format_


def test_many_classes_keep_their_type(tmp_path):
    votes = np.array([[[0, 255, 299, 70_000]]])
    lo.export_log(lo.from_arrays(votes, votes[0, 0]), "parquet", tmp_path / "a.parquet")
    lo.import_log(tmp_path / "a.parquet", tmp_path / "a.zarr")
    back = lo.open_log(tmp_path / "a.zarr")["test"]
    assert back.prediction.dtype == np.uint32
    assert back.prediction.values.tolist() == votes.tolist()


def test_a_seed_that_ends_earlier_is_kept_and_told(tmp_path):
    frame = lo.to_frame(make_split("test", [f"a{k}" for k in range(6)]))
    short = frame[(frame["seed"] != 7) | (frame["epoch"] < 1)]
    report = lo.import_log(short, tmp_path / "a.zarr")
    assert report.epochs == {2: 4, 7: 2, 30: 4}
    assert "seeds end at different epochs; measures use the 2 epochs" in report.notes[-1]
    assert lo.open_log(tmp_path / "a.zarr")["test"].epoch.values.tolist() == [0, 0.5]


def test_equal_logs_give_equal_files(rich_log, tmp_path):
    for format_, name in (("npz", "log.npz"), ("csv", "log.csv.gz"), ("parquet", "log.parquet")):
        files = [tmp_path / where / name for where in ("a", "b")]
        for file in files:
            lo.export_log(rich_log, format_, file)
        assert files[0].read_bytes() == files[1].read_bytes(), format_


def test_every_format_can_be_written_or_says_what_it_lacks(rich_log, tmp_path):
    lacks = {
        "npz": [],
        "npy": [],
        "csv": ["class names", "baselines"],
        "parquet": ["baselines"],
        "huggingface": ["baselines"],
        "cartography": ["margin", "error_norm", "class names", "baselines"],
        "aum": ["probability", "error_norm", "class names", "baselines"],
        "cleanlab": ["probability", "margin", "error_norm", "baselines"],
        "fiftyone": ["probability", "margin", "error_norm", "baselines"],
    }
    for name, about in FORMATS.items():
        done = lo.export_log(rich_log, name, tmp_path / name, split="test")
        assert done.splits == {"test": 20}, name
        assert (tmp_path / name).is_dir() == (about.out == "folder"), name
        wanted = lacks.get(name, [*OF_LABEL, "class names", "baselines"])
        assert done.lost[: len(wanted) + len(about.loses)] == [*wanted, *about.loses], name
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FORMATS)


@pytest.mark.parametrize(
    ("format_", "message"),
    [
        ("cartography", "recording.probability = true"),
        ("aum", "recording.margin = true"),
    ],
)
def test_what_was_not_recorded_is_named(format_, message, tiny_log, tmp_path):
    with pytest.raises(LearnOrderError, match=message):
        lo.export_log(tiny_log, format_, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", ["cartography", "aum", "cscore", "cleanlab", "py-irt"])
def test_formats_that_need_labels_refuse_a_split_without(format_, rich_log, tmp_path):
    with pytest.raises(LearnOrderError, match="the split 'ood' has no labels"):
        lo.export_log(rich_log, format_, tmp_path / "out", split="ood")
    assert list(tmp_path.iterdir()) == []
