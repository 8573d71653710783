"""What is written is read by the tools it is for, and what they write is read here."""

from __future__ import annotations

import json
import warnings

import aum as aum_package
import cleanlab.filter
import cleanlab.rank
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

import datasets
import learnorder as lo
from learnorder.errors import LearnOrderError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keep caches of `datasets` here too."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def test_datasets_reads_columns_of_examples_and_class_names(rich_log, folder):
    lo.export_log(rich_log, "huggingface", folder / "log.parquet", split="train")
    found = datasets.load_dataset(
        "parquet", data_files={"train": str(folder / "log.parquet")}, cache_dir=str(folder / "c")
    )["train"]
    log = lo.open_log(rich_log)["train"]
    assert found["id"] == log.example.values.tolist()
    assert found["label"] == log.label.values.tolist()
    assert found.features["label"].names == log.attrs["class_names"]
    assert found.features["prediction_seed7_epoch0.5"].names == log.attrs["class_names"]
    votes = log.prediction.sel(replicate=7, epoch=0.5).values.tolist()
    assert found["prediction_seed7_epoch0.5"] == votes
    assert np.array_equal(found["accessibility"], lo.accessibility(log).values)
    back = lo.import_log(datasets.DatasetDict(train=found), folder / "back.zarr")
    assert back.splits == {"train": 24}
    again = lo.open_log(folder / "back.zarr")["train"]
    assert np.array_equal(again.prediction.values, log.prediction.values)
    assert again.attrs["class_names"] == log.attrs["class_names"]
    part = found.select([5, 3, 4])
    lo.import_log(part, folder / "part.zarr")
    assert lo.open_log(folder / "part.zarr")["test"].example.values.tolist() == part["id"][:]


def test_pandas_and_polars_read_parquet_in_row_groups(rich_log, folder, monkeypatch):
    from learnorder.exchange import rows_out

    monkeypatch.setattr(rows_out, "ROWS", 50)
    lo.export_log(rich_log, "parquet", folder / "log.parquet")
    assert pq.ParquetFile(folder / "log.parquet").num_row_groups > 12
    pandas, polars = (
        pd.read_parquet(folder / "log.parquet"),
        pl.read_parquet(folder / "log.parquet"),
    )
    assert len(pandas) == len(polars) == 3 * 4 * 54
    log = lo.open_log(rich_log)["test"]
    one = polars.filter((pl.col("seed") == 30) & (pl.col("epoch") == 2), pl.col("split") == "test")
    assert one["prediction"].to_list() == log.prediction.sel(replicate=30, epoch=2).values.tolist()
    assert one["id"].to_list() == log.example.values.tolist()
    frame = lo.to_frame(lo.open_log(rich_log), "polars")
    assert polars.select(frame.columns).equals(frame)


def test_cleanlab_finds_label_issues_in_votes(folder):
    rng = np.random.default_rng(0)
    true = np.arange(90) % 3
    votes = np.where(rng.random((12, 2, 90)) < 0.9, true, rng.integers(0, 3, (12, 2, 90)))
    labels = true.copy()
    labels[[4, 50]] = (true[[4, 50]] + 1) % 3
    log = lo.from_arrays(votes, labels, split="train")
    lo.export_log(log, "cleanlab", folder / "votes.npz", epoch=2)
    with np.load(folder / "votes.npz", allow_pickle=False) as arrays:
        given, shares = arrays["labels"], arrays["pred_probs"]
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(shares[:, 1], (votes[:, 1] == 1).mean(axis=0))
    found = cleanlab.filter.find_label_issues(given, shares, n_jobs=1)
    assert set(np.flatnonzero(found)) == {4, 50}
    worst = np.argsort(cleanlab.rank.get_label_quality_scores(given, shares))[:2]
    assert set(worst) == {4, 50}


def records_of_aum(folder, logits, labels, ids):
    calculator = aum_package.AUMCalculator(str(folder), compressed=False)
    for of_epoch in logits:
        calculator.update(torch.tensor(of_epoch), torch.tensor(labels), ids)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # aum uses what pandas is about to drop
        calculator.finalize()


def test_records_of_aum_become_a_log_and_its_values_come_back(folder):
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(3, 12, 4)).astype(np.float32), rng.integers(0, 4, 12)
    ids = [f"a{k}" for k in range(12)]
    records_of_aum(folder, logits, labels, ids)
    lo.import_log(folder / "full_aum_records.csv", folder / "log.zarr", split="train", seeds=[8])
    log = lo.open_log(folder / "log.zarr")["train"]
    assert log.seed.values.tolist() == [8]
    # records are sorted by id, which is where examples come from
    order = [log.example.values.tolist().index(i) for i in ids]
    assert np.array_equal(log.prediction.values[0][:, order], logits.argmax(axis=2))
    assert np.array_equal(log.label.values[order], labels)
    done = lo.export_log(folder / "log.zarr", "aum", folder / "ours.csv", split="train")
    assert not any("single networks" in lost for lost in done.lost)
    ours, theirs = pd.read_csv(folder / "ours.csv"), pd.read_csv(folder / "aum_values.csv")
    assert list(ours.columns) == list(theirs.columns) == ["sample_id", "aum"]
    both = ours.merge(theirs, on="sample_id")
    assert len(both) == 12
    assert np.allclose(both["aum_x"], both["aum_y"], rtol=2e-3, atol=2e-3)
    assert ours["aum"].is_monotonic_decreasing
    with pytest.raises(LearnOrderError, match="compressed=False"):
        lo.import_log(folder / "aum_values.csv", folder / "no.zarr")


CARTOGRAPHY = "".join(
    f'{{"guid": {guid}, "logits_epoch_0": [{logits}], "gold": {gold}, "device": "cuda:0"}}\n'
    for guid, logits, gold in (
        (50325, "2.943110942840576, -2.2836594581604004", 0),
        (42123, "-2.7155513763427734, 3.249767541885376", 1),
        (42936, "-1.1907235383987427, 2.1173453330993652", 0),
    )
)
"""As a well-known reimplementation documents it; cartography itself is no package."""


def write_dynamics(folder, n_epochs=2, text=CARTOGRAPHY):
    folder.mkdir(parents=True)
    for n in range(n_epochs):
        content = text.replace("logits_epoch_0", f"logits_epoch_{n}")
        (folder / f"dynamics_epoch_{n}.jsonl").write_text(content)


def test_training_dynamics_are_read(folder):
    write_dynamics(folder / "model" / "training_dynamics")
    report = lo.import_log(folder / "model", folder / "log.zarr", split="train")
    assert report.quantities == ("prediction", "probability", "margin", "error_norm")
    log = lo.open_log(folder / "log.zarr")["train"]
    assert log.example.values.tolist() == [50325, 42123, 42936]
    assert log.label.values.tolist() == [0, 1, 0]
    assert log.prediction.values.tolist() == [[[0, 1, 1], [0, 1, 1]]]
    assert log.epoch.values.tolist() == [1, 2]
    assert log.margin.values[0, 0] == pytest.approx([5.2268, 5.9653, -3.3081], rel=1e-3)


def test_networks_in_folders_are_replicates(folder):
    for name in ("seed_3", "seed_1"):
        write_dynamics(folder / "runs" / name / "training_dynamics")
    lo.import_log(folder / "runs", folder / "a.zarr")
    assert lo.open_log(folder / "a.zarr")["test"].seed.values.tolist() == [1, 3]
    both = [folder / "runs" / name for name in ("seed_3", "seed_1")]
    lo.import_log(both, folder / "b.zarr", seeds=[10, 20])
    assert lo.open_log(folder / "b.zarr")["test"].seed.values.tolist() == [10, 20]
    with pytest.raises(LearnOrderError, match="3 seeds are given for 2 networks"):
        lo.import_log(both, folder / "c.zarr", seeds=[1, 2, 3])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-2.2836594581604004", "NaN", "is no list of finite numbers"),
        ("-2.2836594581604004", '"x"', "is no list of finite numbers"),
        ("-2.2836594581604004", "1e999", "is no list of finite numbers"),
        ("-2.2836594581604004", "1" + "0" * 400, "is no list of finite numbers"),
        ('"gold": 0', '"gold": 1' + "0" * 30, "gold is 1000"),
        ('"guid": 42123', '"guid": 1' + "0" * 30, "It has 63 bits at most"),
        ("-2.2836594581604004", "1, 2", "has records of 2 and of 3 logits"),
        ('"gold": 0', '"gold": 2', "gold is 2 in line 1"),
        ('"gold": 0', '"gold": "0"', "gold is '0' in line 1"),
        ('"gold": 0', '"silver": 0', "has no 'gold'"),
        ('"guid": 42123', '"guid": "42123"', "has the types '42123' (str), '50325' (int)"),
        ('"guid": 42123', '"guid": 50325', "differs between rows"),
        ('"guid": 42123', '"guid": true', "guid is True"),
        ('"guid": 42123', '"guid": 1, "guid": 42123', "the key 'guid' occurs twice"),
        ('{"guid": 42123', '["guid", 42123', "is no JSON object"),
        ('"guid": 42123', '"guid": "' + "\\ud800" + '"', "has the types"),
    ],
)
def test_training_dynamics_that_do_not_fit_are_named(old, new, message, folder):
    write_dynamics(folder / "d", text=CARTOGRAPHY.replace(old, new, 1))
    with pytest.raises(LearnOrderError) as caught:
        lo.import_log(folder / "d", folder / "log.zarr")
    assert message in str(caught.value)
    assert not (folder / "log.zarr").exists()


def test_a_guid_missing_from_an_epoch_is_named(folder):
    write_dynamics(folder / "d")
    last = folder / "d" / "dynamics_epoch_1.jsonl"
    last.write_text("".join(last.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(LearnOrderError, match=r"lacks 1 row; the first: seed 0, epoch 2, .*42936"):
        lo.import_log(folder / "d", folder / "log.zarr")


def test_deeply_nested_json_is_refused(folder):
    write_dynamics(folder / "d")
    (folder / "d" / "dynamics_epoch_0.jsonl").write_text('{"guid": ' + "[" * 200_000)
    with pytest.raises(LearnOrderError, match="is no JSON object"):
        lo.import_log(folder / "d", folder / "log.zarr")


PYIRT = (
    '{"subject_id": "pedro", "responses": {"q1": 1, "q2": 0, "q3": 1, "q4": 0}}\n'
    '{"subject_id": "pinguino", "responses": {"q1": 1, "q2": 1, "q3": 0, "q4": 0}}\n'
)
"""The form that py-irt documents; the package pins older versions of what is used here."""


def test_responses_of_pyirt_are_read(folder):
    (folder / "a.jsonl").write_text(PYIRT)
    report = lo.import_log(folder / "a.jsonl", folder / "log.zarr")
    assert report.notes[-1] == "subjects are numbered in their order: 'pedro' is seed 0"
    log = lo.open_log(folder / "log.zarr")["test"]
    assert lo.accessibility(log).values.tolist() == [1, 0.5, 0.5, 0]
    assert log.example.values.tolist() == ["q1", "q2", "q3", "q4"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"q2": 1', '"q2": 0.5', "the response to 'q2' is 0.5"),
        ('"q2": 1', '"q2": null', "the response to 'q2' is None"),
        ('"q2": 1', '"q2": true', "the response to 'q2' is True"),
        ('"q2": 1', '"q1": 1', "the key 'q1' occurs twice"),
        ('"q2": 1, ', "", "lacks 1 row"),
        ('"pinguino"', '"pedro"', "the subject 'pedro' occurs again"),
        ('"responses": {"q1": 1, "q2": 1', '"answers": {"q1": 1, "q2": 1', "no record of py-irt"),
    ],
)
def test_responses_that_do_not_fit_are_named(old, new, message, folder):
    (folder / "a.jsonl").write_text(PYIRT.replace(old, new, 1))
    with pytest.raises(LearnOrderError) as caught:
        lo.import_log(folder / "a.jsonl", folder / "log.zarr")
    assert message in str(caught.value)


def test_pyirt_gets_lines_in_its_form(rich_log, folder):
    lo.export_log(rich_log, "py-irt", folder / "a.jsonl", split="train")
    lines = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    log = lo.open_log(rich_log)["train"]
    assert [line["subject_id"] for line in lines] == [f"seed_{s}_epoch_2" for s in (2, 7, 30)]
    for line, votes in zip(lines, log.prediction.sel(epoch=2).values, strict=True):
        assert list(line["responses"]) == log.example.values.tolist()
        right = (votes == log.label.values).astype(int).tolist()
        assert list(line["responses"].values()) == right


def test_fiftyone_gets_labels_in_its_form(rich_log, folder):
    lo.export_log(rich_log, "fiftyone", folder / "a.json", split="train")
    samples = json.loads((folder / "a.json").read_text())["samples"]
    log = lo.open_log(rich_log)["train"]
    assert list(samples) == log.example.values.tolist()
    names, last = log.attrs["class_names"], log.prediction.sel(epoch=2).values
    for x, fields in enumerate(samples.values()):
        counts = np.bincount(last[:, x], minlength=5)
        assert fields["prediction"] == {
            "_cls": "Classification",
            "label": names[counts.argmax()],
            "confidence": pytest.approx(counts.max() / 3),
        }
        truth = {"_cls": "Classification", "label": names[int(log.label.values[x])]}
        assert fields["ground_truth"] == truth
        assert fields["accessibility"] == lo.accessibility(log).values[x]
    lo.export_log(rich_log, "fiftyone", folder / "ood.json", split="ood")
    first = next(iter(json.loads((folder / "ood.json").read_text())["samples"].values()))
    assert set(first) == {"prediction"}


def test_c_score_files_have_labels_and_scores_in_order(rich_log, folder):
    lo.export_log(rich_log, "cscore", folder / "a.npz", split="train")
    log = lo.open_log(rich_log)["train"]
    with np.load(folder / "a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["labels", "scores"]
        assert np.array_equal(arrays["labels"], log.label.values)
        assert np.array_equal(arrays["scores"], lo.accessibility(log).values)
