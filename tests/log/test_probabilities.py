"""Numbers about the label are kept beside the predictions, and as safely."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace

import numpy as np
import pytest
import zarr

from learnorder.errors import LearnOrderError, LogDamaged, SpecDiffers
from learnorder.log import compaction, layout
from learnorder.log.compact import compact_log
from learnorder.log.creation import NewLog, create_log, seal_header
from learnorder.log.description import describe
from learnorder.log.files import all_files
from learnorder.log.garbage import collect_garbage
from learnorder.log.location import locate
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

SIZES = {"train": 30, "test": 20, "other": 10}
LABELLED = ("train", "test")
ENGINE = {"executor": "grouped", "width": 4, "precision": "float32", "device": "cpu"}
OF_LABEL = ("probability", "margin", "error_norm")
EVERYTHING = ("prediction", *OF_LABEL)


def new_log(path, execution=ENGINE, quantities=EVERYTHING, **more):
    """Create a log of two splits with labels and one without."""
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    labels = {s: np.arange(n) % 3 if s in LABELLED else None for s, n in SIZES.items()}
    splits = {s: (Examples(np.arange(n), labels[s]), None) for s, n in SIZES.items()}
    new = NewLog({}, "i", about, {"learnorder": "0"}, splits, execution, quantities, **more)
    create_log(path, new)
    return path


def record(seed, index):
    rng = np.random.default_rng([seed, index])
    votes = {split: rng.integers(0, 3, n).astype(np.uint8) for split, n in SIZES.items()}
    of_label = {
        quantity: {split: rng.random(SIZES[split]).astype(np.float16) for split in LABELLED}
        for quantity in OF_LABEL
    }
    of_label["probability"]["train"][:3] = [0, 1, 6e-8]
    of_label["margin"]["train"][:6] = [-65504, 65504, np.inf, -np.inf, -6e-8, 17.3]
    of_label["error_norm"]["train"][:3] = [0, np.sqrt(2), 6e-8]
    return EpochPredictions(seed, index, index + 1.0, votes, of_label)


def write(path, seed, n_epochs=3, finish=True):
    with ReplicateWriter(path, seed, [e + 1.0 for e in range(n_epochs)], {}) as writer:
        for index in range(n_epochs):
            writer.write(record(seed, index))
        if finish:
            writer.finish()


def check(path, seeds=(0, 1), n_epochs=3):
    """Hold all quantities against what was written, bit for bit."""
    log = open_log(path)
    for split in LABELLED:
        data = log[split]
        assert data.sizes["epoch"] == n_epochs
        assert {data[quantity].dtype for quantity in OF_LABEL} == {np.dtype(np.float16)}
        assert {data[quantity].dims for quantity in EVERYTHING} == {data.prediction.dims}
        for seed in seeds:
            for index in range(n_epochs):
                cell = data.sel(replicate=seed, epoch=index + 1.0)
                expected = record(seed, index)
                assert np.array_equal(cell.prediction, expected.predictions[split])
                for quantity in OF_LABEL:
                    written = expected.of_label[quantity][split]
                    assert cell[quantity].values.tobytes() == written.tobytes()
    assert set(log["other"].data_vars) == {"prediction"}


@pytest.fixture(params=[7, 8192], ids=["several chunks", "one chunk"])
def log(tmp_path, request, monkeypatch):
    monkeypatch.setattr(compaction, "CHUNK_EXAMPLES", request.param)
    path = new_log(tmp_path / "log.zarr")
    for seed in (0, 1):
        write(path, seed)
    return path


def test_they_come_back_as_written_before_and_after_compaction(log):
    check(log)
    assert compact_log(log).compacted == [0, 1]
    check(log)
    write(log, 0, 4)
    write(log, 1, 4)
    check(log, n_epochs=4)
    assert compact_log(log).compacted == [0, 1]
    check(log, n_epochs=4)
    found = verify_log(log)
    assert (found.problems, found.orphans, found.n_epochs) == ([], [], 8)
    assert collect_garbage(log).paths == []


def test_they_are_read_when_used_and_chunk_by_chunk(log, monkeypatch):
    data = open_log(log)["train"]
    for quantity in OF_LABEL:
        here = data[quantity]
        assert here.encoding["preferred_chunks"] == data.prediction.encoding["preferred_chunks"]
        part = here.isel(replicate=[1, 0], epoch=2, example=slice(4, 20, 3))
        expected = [record(seed, 2).of_label[quantity]["train"][4:20:3] for seed in (1, 0)]
        assert np.array_equal(part, expected)
        for chunk in log.glob(f"replicates/*/attempt-*/segment-*/train~{quantity}/c.*"):
            chunk.unlink()
        assert open_log(log)["train"].prediction.values.size
        with pytest.raises(LogDamaged, match=rf"train~{quantity}.c\.0\.0 \(it is missing\)"):
            open_log(log)["train"][quantity].values  # noqa: B018


def test_any_reader_of_zarr_sees_half_floats(log):
    def check_stored(kind):
        for quantity in OF_LABEL:
            (folder,) = log.glob(f"replicates/r0001/attempt-*/{kind}-*/test~{quantity}")
            stored = zarr.open_array(folder, mode="r")
            assert (stored.dtype, str(stored.fill_value)) == (np.float16, "nan")
            expected = [record(1, index).of_label[quantity]["test"] for index in range(3)]
            assert np.array_equal(stored[...], expected)

    check_stored("segment")
    compact_log(log)
    check_stored("compact")


def test_what_is_not_recorded_is_no_number(log):
    with ReplicateWriter(log, 2, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(record(2, 0))
    everything = open_log(log, unfinished=True)["test"]
    for quantity in OF_LABEL:
        missing = np.isnan(everything[quantity]).sum(dim="example").values
        assert missing.tolist() == [[0, 0, 0], [0, 0, 0], [0, 20, 20]]


def test_epoch_counts_when_all_of_it_is_committed(log):
    with ReplicateWriter(log, 2, [1.0, 2.0], {}) as writer:
        for index in range(2):
            writer.write(record(2, index))
    (last,) = log.glob("replicates/r0002/attempt-*/commits/test~probability/000001.json")
    last.unlink()
    assert describe(open_log(log))["replicates"][2]["epochs"] == {"train": 2, "test": 1, "other": 2}
    shown = open_log(log, unfinished=True)["test"].sel(replicate=2, epoch=2.0)
    assert (shown.prediction == 255).all()
    assert np.isnan(shown.probability).all()
    with ReplicateWriter(log, 2, [1.0, 2.0], {}) as writer:
        assert writer.n_committed == 1
        writer.write(record(2, 1))
        writer.finish()
    check(log, (0, 1, 2), n_epochs=2)


def test_training_again_must_give_the_same_numbers(log):
    for quantity in OF_LABEL:
        other = record(0, 1)
        other.of_label[quantity]["test"][3] = 0.25
        with (
            ReplicateWriter(log, 0, [1.0, 2.0, 3.0], {}) as writer,
            pytest.raises(LearnOrderError, match=rf"'test' otherwise \({quantity}\) at epoch 2"),
        ):
            writer.write(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {}, r"probability for the splits \[\]; the log has it for \['test', 'train'\]"),
        (lambda p: {"train": p["train"]}, r"for the splits \['train'\]; the log has it for"),
        (lambda p: {**p, "other": np.ones(10, "f2")}, r"\['other', 'test', 'train'\]; the log"),
        (
            lambda p: {**p, "test": p["test"][:7]},
            r"20 examples; .* in the shape \(7,\)",
        ),
        (lambda p: {**p, "test": np.full(20, 1.01, "f2")}, r"probability 1\.00.*'test'; .*0 to 1"),
        (lambda p: {**p, "test": np.full(20, -0.5)}, r"gives the probability -0\.5 at epoch 1"),
        (lambda p: {**p, "test": np.full(20, np.nan, "f2")}, "gives the probability nan"),
        (lambda p: {**p, "test": np.ones(20, np.int64)}, "probabilities of type int64"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused_whole(tmp_path, change, message):
    path = new_log(tmp_path / "log.zarr")
    good = record(0, 0)
    changed = {**good.of_label, "probability": change(dict(good.of_label["probability"]))}
    wrong = EpochPredictions(0, 0, 1.0, good.predictions, changed)
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        with pytest.raises(LearnOrderError, match=message) as error:
            writer.write(wrong)
        assert "\n" not in str(error.value)
        assert list(all_files(writer.attempt.folder / "commits")) == []


@pytest.mark.parametrize(
    ("quantity", "value", "message"),
    [
        ("margin", np.float32(np.nan), "gives the margin nan .*margins are numbers of any size"),
        ("margin", 3, "gives margins of type int64"),
        ("error_norm", np.float32(1.4144), r"the error norm 1\.414.*to the square root of 2"),
        ("error_norm", -0.001, "gives the error norm -0.001"),
        ("error_norm", np.float16(np.nan), "gives the error norm nan"),
    ],
)
def test_numbers_that_a_quantity_does_not_have_are_refused(tmp_path, quantity, value, message):
    path, good = new_log(tmp_path / "log.zarr"), record(0, 0)
    wrong = {**good.of_label[quantity], "test": np.full(20, value)}
    changed = {**good.of_label, quantity: wrong}
    with (
        ReplicateWriter(path, 0, [1.0], {}) as writer,
        pytest.raises(LearnOrderError, match=message),
    ):
        writer.write(EpochPredictions(0, 0, 1.0, good.predictions, changed))


def test_quantity_that_nobody_knows_is_refused(tmp_path):
    good = record(0, 0)
    more = {**good.of_label, "entropy": good.of_label["probability"]}
    with (
        ReplicateWriter(new_log(tmp_path / "log.zarr"), 0, [1.0], {}) as writer,
        pytest.raises(LearnOrderError, match=r"the entropy for .*; the log has it for \[\]"),
    ):
        writer.write(EpochPredictions(0, 0, 1.0, good.predictions, more))


def test_log_with_a_quantity_of_a_later_version_is_refused_in_one_line(log):
    header = layout.read_header(log)
    later = replace(header, quantities=(*EVERYTHING, "entropy"))
    (log / "zarr.json").write_bytes(seal_header(log, later, [], {}))
    with pytest.raises(LearnOrderError, match=r"records 'entropy', which .* does not know; .* 0\."):
        open_log(log)


@pytest.mark.parametrize("quantities", [("prediction", q) for q in OF_LABEL])
def test_each_quantity_can_be_recorded_alone(tmp_path, quantities):
    path, good = new_log(tmp_path / "log.zarr", quantities=quantities), record(0, 0)
    alone = {quantities[1]: good.of_label[quantities[1]]}
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        writer.write(EpochPredictions(0, 0, 1.0, good.predictions, alone))
        writer.finish()
    assert set(open_log(path)["test"].data_vars) == {*quantities, "label"}


def test_missing_and_surplus_quantities_are_refused(tmp_path):
    votes = record(0, 0).predictions
    with (
        ReplicateWriter(new_log(tmp_path / "log.zarr"), 0, [1.0], {}) as writer,
        pytest.raises(LearnOrderError, match=r"the probability for the splits \[\]"),
    ):
        writer.write(EpochPredictions(0, 0, 1.0, votes))
    plain = new_log(tmp_path / "plain.zarr", quantities=("prediction",))
    with (
        ReplicateWriter(plain, 0, [1.0], {}) as writer,
        pytest.raises(LearnOrderError, match=r"the log has it for \[\]"),
    ):
        writer.write(record(0, 0))


def test_wider_numbers_are_kept_in_half_precision(tmp_path):
    path = new_log(tmp_path / "log.zarr")
    good = record(0, 0)
    given = {"probability": 1 / 3, "margin": 1e5, "error_norm": np.sqrt(2)}
    wide = {
        quantity: {split: np.full(SIZES[split], value) for split in LABELLED}
        for quantity, value in given.items()
    }
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        writer.write(EpochPredictions(0, 0, 1.0, good.predictions, wide))
        writer.finish()
    test = open_log(path)["test"]
    assert (test.probability == np.float16(1 / 3)).all()
    assert np.isposinf(test.margin).all()
    assert (test.error_norm == np.float16(np.sqrt(2))).all()


@pytest.mark.parametrize("compacted", [False, True])
def test_flipped_bit_in_a_chunk_is_named_once(log, compacted):
    if compacted:
        compact_log(log)
    kind = "compact" if compacted else "segment"
    chunk = min(log.glob(f"replicates/r0001/attempt-*/{kind}-*/test~probability/c.*"))
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 8
    chunk.write_bytes(content)
    (problem,) = verify_log(log).problems
    assert problem.file == str(chunk)
    with pytest.raises(LogDamaged, match=chunk.name):
        open_log(log)["test"].probability.values  # noqa: B018
    check_predictions = open_log(log)["test"].prediction.sel(replicate=1, epoch=1.0)
    assert np.array_equal(check_predictions, record(1, 0).predictions["test"])


def test_lost_commit_of_a_probability_is_damage(log):
    (lost,) = log.glob("replicates/r0001/attempt-*/commits/test~probability/000001.json")
    lost.unlink()
    named = " ".join(p.file + p.problem for p in verify_log(log).problems)
    assert str(lost) in named
    with pytest.raises(LogDamaged, match=r"test~probability/000001\.json is missing"):
        open_log(log)["train"]


def test_whole_life_on_another_file_system():
    path = new_log(locate(f"memory://{uuid.uuid4().hex}/log.zarr"))
    for seed in (0, 1):
        write(path, seed)
    check(path)
    compact_log(path)
    check(path)
    assert verify_log(path).problems == []


def test_execution_and_quantities_are_kept_and_told(log):
    opened = open_log(log)
    assert opened.execution == ENGINE
    content = describe(opened)
    assert (content["execution"], content["quantities"]) == (ENGINE, list(EVERYTHING))
    assert layout.read_header(log).format_version == 3
    assert repr(opened) == f"<Log '{log}': 3 classes; train (30), test (20), other (10)>"


@pytest.mark.parametrize(
    ("quantities", "message"),
    [
        (("prediction", "probabilty"), "no quantity 'probabilty'.*name is 'probability'"),
        (("probability",), "are no list for a log"),
        (("prediction", "prediction"), "named once"),
        ((), "quantities none"),
    ],
)
def test_quantities_that_cannot_be_recorded_are_refused(tmp_path, quantities, message):
    with pytest.raises(LearnOrderError, match=message):
        new_log(tmp_path / "log.zarr", quantities=quantities)
    assert list(tmp_path.iterdir()) == []


def test_merge_keeps_probabilities(log, tmp_path):
    other = new_log(tmp_path / "other.zarr")
    write(other, 2)
    shutil.copytree(log, tmp_path / "copy.zarr")
    logs = [log, other, tmp_path / "copy.zarr"]
    assert merge_logs(logs, tmp_path / "out.zarr").seeds == [0, 1, 2]
    check(tmp_path / "out.zarr", (0, 1, 2))
    assert open_log(tmp_path / "out.zarr").execution == ENGINE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"execution": {**ENGINE, "width": 8}},
            r"execution\.width is 4 in the first and 8 in",
        ),
        ({"execution": {}}, r"execution\.device is 'cpu' in the first and None in the second"),
        (
            {"quantities": ("prediction",)},
            r"quantities is \['prediction', 'probability', 'm",
        ),
    ],
)
def test_merge_refuses_what_was_made_in_another_way(log, tmp_path, change, message):
    other = new_log(tmp_path / "other.zarr", **change)
    with pytest.raises(SpecDiffers, match=f"not made in the same way .*{message}"):
        merge_logs([log, other], tmp_path / "out.zarr")


def test_probabilities_of_a_twin_that_differ_are_named(log, tmp_path):
    other = new_log(tmp_path / "other.zarr")
    changed = record(0, 0)
    changed.of_label["probability"]["test"][0] = 0.5
    with ReplicateWriter(other, 0, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(changed)
    with pytest.raises(LearnOrderError, match=r"first: probability of split 'test', epoch 1\)"):
        merge_logs([log, other], tmp_path / "out.zarr")
