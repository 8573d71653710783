"""Arrays by name; files made to do harm are refused before anything is allocated or run."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.exchange import safe

RNG = np.random.default_rng(0)
VOTES = RNG.integers(0, 4, (2, 3, 10))
LABELS = RNG.integers(0, 4, 10)
LOGITS = RNG.normal(size=(2, 3, 10, 4))


def softmax(logits):
    chances = np.exp(logits)
    return chances / chances.sum(axis=-1, keepdims=True)


def refusal(path, tmp_path, **options) -> str:
    with pytest.raises(LearnOrderError) as caught:
        lo.import_log(path, tmp_path / "refused.zarr", **options)
    assert not (tmp_path / "refused.zarr").exists()
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    message = str(caught.value)
    assert "\n" not in message
    return message


def imported(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return lo.open_log(lo.import_log(tmp_path / "a.npz", tmp_path / "a.zarr").path)


def test_arrays_of_one_split_with_everything(tmp_path):
    ids = np.array([f"img{k}" for k in range(10)])
    log = imported(
        tmp_path,
        predictions=VOTES,
        labels=LABELS,
        ids=ids,
        epochs=[0.5, 1, 2],
        seeds=[9, 4],
        class_names=np.array(["a", "b", "c", "d"]),
    )["test"]
    assert log.seed.values.tolist() == [4, 9]
    assert np.array_equal(log.prediction.values, VOTES[::-1])
    assert log.epoch.values.tolist() == [0.5, 1, 2]
    assert log.example.values.tolist() == ids.tolist()
    assert log.attrs["class_names"] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("shape", [(3, 10), (10,)])
def test_leading_axes_may_be_left_out(shape, tmp_path):
    votes = VOTES[0] if len(shape) == 2 else VOTES[0, 0]
    log = imported(tmp_path, predictions=votes, labels=LABELS)["test"]
    assert log.prediction.shape == (1, *((3, 10) if len(shape) == 2 else (1, 10)))
    assert np.array_equal(log.prediction.values.reshape(shape), votes)


def test_logits_give_predictions_and_what_a_log_records_of_the_label(tmp_path):
    log = imported(tmp_path, logits_train=LOGITS, labels_train=LABELS)["train"]
    chances = softmax(LOGITS)
    own = LOGITS[:, :, np.arange(10), LABELS]
    others = LOGITS.copy()
    others[:, :, np.arange(10), LABELS] = -np.inf
    assert np.array_equal(log.prediction.values, LOGITS.argmax(axis=3))
    assert np.allclose(log.probability.values, chances[:, :, np.arange(10), LABELS], atol=5e-4)
    assert np.allclose(log.margin.values, own - others.max(axis=3), rtol=1e-3)
    norms = np.linalg.norm(chances - np.eye(4)[LABELS], axis=3)
    assert np.allclose(log.error_norm.values, norms, atol=1e-3)


def test_probabilities_give_no_margin(tmp_path):
    log = imported(tmp_path, probabilities=softmax(LOGITS), labels=LABELS)["test"]
    assert np.array_equal(log.prediction.values, LOGITS.argmax(axis=3))
    assert {"probability", "error_norm"} <= set(log)
    assert "margin" not in log


def test_ensembles_of_cleanlab_are_replicates(tmp_path):
    log = imported(tmp_path, pred_probs=softmax(LOGITS[:, 0]), labels=LABELS)["test"]
    assert dict(log.sizes) == {"replicate": 2, "epoch": 1, "example": 10}
    assert np.array_equal(log.prediction.values[:, 0], LOGITS[:, 0].argmax(axis=2))


def test_one_npy_file_holds_predictions_alone(tmp_path):
    np.save(tmp_path / "votes.npy", VOTES)
    lo.import_log(tmp_path / "votes.npy", tmp_path / "a.zarr", seeds=[5, 6], split="ood")
    log = lo.open_log(tmp_path / "a.zarr")["ood"]
    assert log.seed.values.tolist() == [5, 6]
    assert np.array_equal(log.prediction.values, VOTES)
    assert "label" not in log


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": LABELS[:9]}, "labels have shape (9,)"),
        ({"labels": LABELS.astype(float)}, "labels of split 'test'"),
        ({"labels": -LABELS}, "labels contain -"),
        ({"predictions": VOTES.astype(float)}, "of type float64. They are class ids"),
        ({"predictions": VOTES - 1}, "predictions contain -1"),
        ({"predictions": VOTES[None]}, "predictions have shape (1, 2, 3, 10)"),
        ({"predictions": VOTES[:, :, :0]}, "predictions have shape (2, 3, 0)"),
        ({"predictions": np.full((2, 3, 10), 255, np.uint8)}, "stands for not recorded"),
        ({"predictions": VOTES + 10**6}, "Without class_names there are at most 1,000,000"),
        ({"seeds": np.array(3)}, "seeds in"),
        ({"seeds": np.array([0.0, 1.0])}, "of type float64. They are whole numbers from 0 up"),
        ({"seeds": np.array(["0", "1"])}, "of type <U1. They are whole numbers from 0 up"),
        ({"labels": np.array(3)}, "labels in"),
        ({"labels": LABELS[:, None]}, "have the shape (10, 1). They are a list"),
        ({"class_names": np.array(["a", "b", "c", "c"])}, "the class name 'c' occurs twice"),
        ({"baseline.x": np.full(10, np.nan)}, "the baseline 'x' is nan at position 0"),
        ({"epochs": [1, 2]}, "epochs are [1.0, 2.0]"),
        ({"epochs": [3, 2, 1]}, "epochs are [3.0, 2.0, 1.0]"),
        ({"epochs": [1, 2, np.nan]}, "epochs are [1.0, 2.0, nan]"),
        ({"epochs": np.array(["a", "b", "c"])}, "epochs have shape (3,) and type"),
        ({"seeds": [1, 1]}, "seeds contain 1 more than once"),
        ({"ids": np.zeros(10, int)}, "id 0 stands at positions 0 and 1"),
        (
            {"ids": np.arange(10.0)},
            "id 0.0 at position 0 (type float) is neither an integer nor a str",
        ),
        ({"class_names": np.array(["a", "b"])}, "there are 2 class names"),
        ({"class_names": np.arange(4)}, "class_names in"),
        ({"true_labels": -1 - LABELS}, "true_labels of split 'test'"),
        ({"probability": np.full((2, 3, 10), 2.0)}, "probability 2.0"),
        ({"label": LABELS}, "The nearest known name is 'labels'"),
        ({"labels_train": LABELS}, "All names end in a split, or none"),
        ({"logits": LOGITS}, "has predictions and logits"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change, message, tmp_path):
    np.savez(tmp_path / "a.npz", **{"predictions": VOTES, "labels": LABELS, **change})
    assert message in refusal(tmp_path / "a.npz", tmp_path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("logits", np.where(LOGITS > 2, np.nan, LOGITS), "logits of split 'test'"),
        ("logits", LOGITS[..., 0] > 0, "numbers (replicate, epoch, example, class)"),
        ("probabilities", LOGITS, "Probabilities are from 0 to 1 and add up to 1"),
        ("pred_probs", softmax(LOGITS), "pred_probs of split 'test'"),
        ("logits", np.float64(3.0), "logits of split 'test'"),
    ],
)
def test_scores_of_classes_that_do_not_fit_are_named(name, values, message, tmp_path):
    np.savez(tmp_path / "a.npz", **{name: values, "labels": LABELS})
    assert message in refusal(tmp_path / "a.npz", tmp_path)


class Runs:
    """Runs code where it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def test_no_code_of_a_file_is_run(tmp_path):
    trap = tmp_path / "trap"
    objects = np.array([Runs(trap)], dtype=object)
    np.savez(tmp_path / "a.npz", predictions=objects, labels=LABELS)
    np.save(tmp_path / "a.npy", objects)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Runs(trap)))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("predictions.npy", pickle.dumps(Runs(trap)))
    for name, format_ in (("a.npz", None), ("a.npy", None), ("bare.npy", "npy"), ("b.npz", None)):
        message = refusal(tmp_path / name, tmp_path, format=format_)
        assert "cannot be read" in message, name
        assert not trap.exists(), name
    pickle.loads(pickle.dumps(Runs(trap)))
    assert trap.exists(), "the trap works"


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    stream = io.BytesIO()
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, about)
    return stream.getvalue()


@pytest.mark.parametrize("shape", [(1 << 50,), (1 << 20, 1 << 20, 1 << 20), (-1,), (0, 1 << 62, 5)])
def test_shapes_that_are_not_there_are_refused_before_memory_is_taken(shape, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("predictions.npy", header(shape) + b"123")
    (tmp_path / "a.npy").write_bytes(header(shape) + b"123")
    for name in ("a.npz", "a.npy"):
        assert "declares the shape" in refusal(tmp_path / name, tmp_path)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("predictions.npy", header((1 << 24,)) + bytes(1 << 24))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 16
    monkeypatch.setattr(safe, "memory_limit", lambda: 1 << 23)
    assert "declares 16,777," in refusal(tmp_path / "a.npz", tmp_path)


def test_archives_that_are_none_are_refused(tmp_path):
    np.savez(tmp_path / "whole.npz", predictions=VOTES, labels=LABELS)
    whole = (tmp_path / "whole.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[300] ^= 1
    for content in (whole[: len(whole) // 2], bytes(flipped), whole[:100]):
        (tmp_path / "a.npz").write_bytes(content)
        assert "cannot be read" in refusal(tmp_path / "a.npz", tmp_path)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("predictions.npy", header((3,)) + b"123")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("predictions.npy", header((3,)) + b"123")
    assert "two arrays of one name" in refusal(tmp_path / "a.npz", tmp_path)
    np.savez(tmp_path / "a.npz", predictions=np.zeros(3, dtype=[("a", "i4")]))
    assert "objects and records are not read" in refusal(tmp_path / "a.npz", tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PK\x03\x04rest", "is named .parquet and holds npz"),
        ("a.csv", b"PAR1....PAR1", "is named .csv and holds parquet"),
        ("a.npz", b"id,prediction\n1,2\n", "is named .npz and holds csv"),
        ("a.jsonl", b"id,prediction\n1,2\n", "is named .jsonl and holds csv"),
        ("a.csv", b"\x00\x01\x02\x03", "byte 1 is NUL, which is in no text"),
        ("a.csv", b'{"a": 1, "b": 2}', "holds none of the formats that are known"),
        ("a.bin", b"\x00\x01\x02\x03", "is not recognised"),
        ("a.bin", b"", "is empty"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"id,prediction\n", "has no rows"),
        ("a.csv", b"id,prediction\n1,\xff\xfe\n", "byte 17 is 0xff, which is no UTF-8"),
        ("a.json", b'{"samples": {\n"0": {}}}', "fiftyone is written only"),
        ("a.jsonl", b'{"guid": 1}\n', "cartography"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert message in refusal(tmp_path / name, tmp_path) or name == "a.jsonl"


def test_folders_and_logs_that_are_no_source_are_refused(tiny_log, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "has neither dynamics_epoch" in refusal(tmp_path / "empty", tmp_path)
    assert "is a log" in refusal(tiny_log, tmp_path)
    assert "is a device" in refusal("/dev/null", tmp_path)
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", VOTES)
    both = [tmp_path / "a.npy", tmp_path / "b.npy"]
    assert "2 sources are given" in refusal(both, tmp_path)


def test_seeds_are_said_once(tmp_path):
    np.savez(tmp_path / "a.npz", predictions=VOTES, seeds=[1, 2])
    assert "says them itself" in refusal(tmp_path / "a.npz", tmp_path, seeds=[3, 4])
    assert "seeds are [True, 2]" in refusal(tmp_path / "a.npz", tmp_path, seeds=[True, 2])


def test_c_scores_are_told_from_predictions(tmp_path):
    np.savez(tmp_path / "a.npz", labels=LABELS, scores=RNG.random(10))
    assert "one number for each example" in refusal(tmp_path / "a.npz", tmp_path)


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("<U0", "(20000000,)"), ("<U0", "(0,)"), ("|u1", "(-1, -3)"), ("|u1", "(True, 3)")],
)
def test_shapes_that_take_no_bytes_or_are_none_are_refused(dtype, shape, tmp_path):
    """Of what takes none any number fits the bytes that are there, until memory is full."""
    about = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    about += b" " * (-(len(about) + 11) % 64) + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(about).to_bytes(2, "little") + about
    content = start + (b"" if dtype == "<U0" else b"123")
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("class_names.npy", content)
    for name in ("a.npz", "a.npy"):
        message = refusal(tmp_path / name, tmp_path)
        assert (
            f"declares the shape {shape} of {dtype if dtype == '<U0' else 'uint8'}; len" in message
        )
