"""Baselines live in the log, beside ids and labels; logs without them are what they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from learnorder.errors import LearnOrderError, LogDamaged
from learnorder.log.compact import compact_log
from learnorder.log.creation import NewLog, create_log
from learnorder.log.labelled import from_arrays
from learnorder.log.layout import read_header
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

SIZES = {"train": 12, "test": 7}


def values(split, name):
    """Numbers of their own for each split and name."""
    rng = np.random.default_rng([len(split), len(name)])
    return rng.normal(size=SIZES[split]).astype(np.float32)


NAMES = ("prototype_margin", "input_norm", "any_other")
BASELINES = {"train": {n: values("train", n) for n in NAMES}, "test": {}}


def written(path, seeds=(0, 1), baselines=BASELINES):
    """Create a finished log."""
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b"]}
    splits = {s: (Examples(np.arange(n), np.arange(n) % 2), None) for s, n in SIZES.items()}
    new = NewLog({}, "i", about, {"learnorder": "0"}, splits, baselines=baselines)
    create_log(path, new)
    for seed in seeds:
        with ReplicateWriter(path, seed, [1.0, 2.0], {}) as writer:
            for index in range(2):
                rng = np.random.default_rng([seed, index])
                votes = {s: rng.integers(0, 2, n).astype("u1") for s, n in SIZES.items()}
                writer.write(EpochPredictions(seed, index, index + 1.0, votes))
            writer.finish()
    return path


def check(path):
    log = open_log(path)
    for name in NAMES:
        variable = log["train"][name]
        assert (variable.dims, variable.dtype) == (("example",), np.dtype(np.float32))
        assert variable.attrs == {"role": "baseline"}
        assert np.array_equal(variable.values, values("train", name))
        assert name not in log["test"]
    assert verify_log(path).problems == []


def test_they_are_variables_of_their_split_as_written_compacted_and_merged(tmp_path):
    one, two = written(tmp_path / "one.zarr"), written(tmp_path / "two.zarr", seeds=(2,))
    check(one)
    compact_log(one)
    check(one)
    assert merge_logs([one, two], tmp_path / "merged.zarr").seeds == [0, 1, 2]
    check(tmp_path / "merged.zarr")


def test_logs_with_and_without_them_are_merged(tmp_path):
    one, old = written(tmp_path / "one.zarr"), written(tmp_path / "o.zarr", (5,), baselines={})
    merge_logs([one, old], tmp_path / "new.zarr")
    check(tmp_path / "new.zarr")
    merge_logs([old, one], tmp_path / "other.zarr")
    assert set(NAMES).isdisjoint(open_log(tmp_path / "other.zarr")["train"])
    assert verify_log(tmp_path / "other.zarr").problems == []


def files(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_nothing_else_of_a_log_differs(tmp_path):
    with_them = files(written(tmp_path / "with.zarr", seeds=()))
    without = files(written(tmp_path / "without.zarr", seeds=(), baselines={}))
    added = {name for name in with_them if "/baseline_" in name}
    assert {Path(name).parent.name for name in added} == {f"baseline_{n}" for n in NAMES}
    assert set(with_them) - added == set(without)
    different = {name for name in without if without[name] != with_them[name]}
    assert different == {"zarr.json", "manifest.json"}
    header, plain = (
        json.loads(f["zarr.json"])["attributes"]["learnorder"] for f in (with_them, without)
    )
    for content in (header, plain):
        del content["check"]
        for split in content["splits"].values():
            split["arrays"] = {k: v for k, v in split["arrays"].items() if "baseline" not in k}
    assert header == plain


def test_older_formats_have_none_and_read_as_they_did():
    for version in (1, 2):
        stored = Path(__file__).with_name(f"format{version}.zarr")
        split = open_log(stored)["train"]
        assert [v for v in split.data_vars.values() if v.attrs.get("role") == "baseline"] == []
        assert read_header(stored).format_version == version


@pytest.mark.parametrize("how", ["flipped", "missing"])
def test_damage_is_named_and_nothing_wrong_is_read(tmp_path, how):
    path = written(tmp_path / "log.zarr")
    (file,) = path.glob("examples/train/baseline_input_norm/c.0")
    if how == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 4
        file.write_bytes(content)
    assert [p.file for p in verify_log(path).problems] == [str(file)]
    with pytest.raises(LogDamaged, match="baseline_input_norm"):
        _ = open_log(path)["train"]
    assert open_log(path)["test"].sizes["replicate"] == 2


def test_a_lost_array_is_noticed_whole(tmp_path):
    path = written(tmp_path / "log.zarr")
    shutil.rmtree(path / "examples/train/baseline_any_other")
    assert not verify_log(path).intact
    with pytest.raises(LogDamaged, match="baseline_any_other"):
        _ = open_log(path)["train"]


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ({"label": [0.0] * 3}, "'label' cannot name a baseline"),
        ({"error_norm": [0.0] * 3}, "'error_norm' cannot name a baseline"),
        ({"a b": [0.0] * 3}, "'a b' cannot name"),
        ({"../x": [0.0] * 3}, "cannot name"),
        ({1: [0.0] * 3}, "1 cannot name"),
        ({"x": [0.0] * 2}, r"'x' has shape \(2,\) .* each of the 3 examples"),
        ({"x": ["a", "b", "c"]}, "'x' has shape .* type <U1"),
        ({"x": [0.0, np.nan, 1.0]}, "'x' is nan at position 1"),
        ({"x": [0.0, 1.0, np.inf]}, "'x' is inf at position 2"),
    ],
)
def test_what_is_no_baseline_is_refused(baselines, message, tmp_path):
    with pytest.raises(LearnOrderError, match=f"from_arrays: .*{message}"):
        from_arrays([[[0, 1, 1]]], [0, 1, 1], baselines=baselines)
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b"]}
    splits = {"test": (Examples(np.arange(3), None), None)}
    new = NewLog({}, "i", about, {}, splits, baselines={"test": baselines})
    with pytest.raises(LearnOrderError, match=message):
        create_log(tmp_path / "log.zarr", new)
    assert not (tmp_path / "log.zarr").exists()


def test_plain_arrays_become_the_same_variables(tmp_path):
    stored = open_log(written(tmp_path / "log.zarr"))["train"].load()
    made = from_arrays(
        stored.prediction.values,
        stored.label.values,
        epochs=stored.epoch.values,
        seeds=stored.seed.values,
        class_names=["a", "b"],
        baselines=BASELINES["train"],
    )
    assert made.equals(stored)
    assert made["any_other"].attrs == stored["any_other"].attrs
    part = made.isel(example=slice(3, 6))
    assert part["any_other"].attrs == {"role": "baseline"}


def test_integers_and_truth_values_become_floats():
    given = {"n": np.arange(3), "is_odd": [False, True, False]}
    made = from_arrays([[[0, 1, 1]]], baselines=given)
    assert (made["n"].dtype.kind, made["n"].values.tolist()) == ("f", [0, 1, 2])
    assert made["is_odd"].values.tolist() == [0, 1, 0]
