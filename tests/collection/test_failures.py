"""What goes wrong is one clear line; what was recorded stays; nothing is half-written."""

from __future__ import annotations

import time

import pytest

from learnorder.collection import pool
from learnorder.collection.train import train_collection
from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.measures.summary import summarise

PLAIN = {"augmentation": {}}


@pytest.mark.filterwarnings("ignore:Full backward hook")
def test_diverged_replicate_is_marked_and_the_others_go_on(
    tmp_path, networks, digits, make_spec, train_here
):
    path = tmp_path / "log.zarr"
    spec = make_spec("own_networks:nan_for_some", epochs=2, **PLAIN)
    train_here(path, spec, digits, range(6))
    with pytest.warns(UserWarning, match=r"of 6 replicates failed; the first is seed \d"):
        result = train_collection(spec, range(6), out=path, dataset=digits)
    assert result.trained == ()  # it would diverge again
    assert result.failed
    assert result.finished
    assert all("diverged in epoch 1" in reason for reason in result.failed.values())
    assert result.diverged == tuple(result.failed)
    log = open_log(path)
    states = {r["seed"]: r for r in describe(log)["replicates"]}
    for seed in result.failed:
        assert states[seed]["status"] == "failed"
        assert "not finite" in states[seed]["reason"]
    summary = summarise(log["test"])
    assert (summary["n_replicates"], summary["n_replicates_planned"]) == (len(result.finished), 6)
    assert [r["seed"] for r in log["test"].attrs["left_out"]] == sorted(result.failed)


def test_error_in_the_middle_of_training_keeps_what_was_recorded(
    tmp_path, networks, digits, make_spec, train_here
):
    path = tmp_path / "log.zarr"
    spec = make_spec("own_networks:breaks", epochs=4, **PLAIN)
    told = train_here(path, spec, digits, [0])
    assert told[-1] == ("failed", 0, "train: RuntimeError: the fan fell off in two lines.")
    state = describe(open_log(path))["replicates"][0]
    assert state["status"] == "failed"
    assert 0 < state["epochs"]["test"] < 4
    with pytest.raises(LearnOrderError, match=r"none of the 1 replicates.*the fan fell off"):
        open_log(path)["test"]
    kept = open_log(path, unfinished=True)["test"]
    assert kept.sizes["epoch"] == state["epochs"]["test"]


def test_killed_worker_is_replaced_though_its_child_lives_and_its_replicate_goes_on(
    tmp_path, networks, digits, make_spec, monkeypatch
):
    start = time.monotonic()
    monkeypatch.setenv("LEARNORDER_TEST_MARK", str(tmp_path / "died"))
    news: list[object] = []
    result = train_collection(
        make_spec("own_networks:dies_with_child", epochs=4, **PLAIN),
        [0, 1],
        out=tmp_path / "log.zarr",
        dataset=digits,
        workers=1,
        report=news.append,
    )
    assert result.finished == (0, 1)
    said = [line for line in news if isinstance(line, str) and "worker" in line]
    assert len(said) == 1
    reason = "its worker process was killed (signal 9); the usual reason is that memory ran out."
    assert said[0].endswith(f"{reason} It goes on from its last epoch.")
    assert time.monotonic() - start < 80, "it waited for the child"


def test_network_that_exits_or_prints_harms_its_own_replicate_alone(
    tmp_path, networks, digits, make_spec, capfd
):
    spec = make_spec("own_networks:exits", epochs=4, **PLAIN)
    with pytest.warns(UserWarning, match="2 of 2 replicates failed"):
        result = train_collection(
            spec, [0, 1], out=tmp_path / "log.zarr", dataset=digits, workers=1
        )
    assert result.failed[0] == "train: SystemExit: enough."
    assert describe(open_log(tmp_path / "log.zarr"))["replicates"][1]["status"] == "failed"
    assert capfd.readouterr().out == ""


def test_module_in_the_current_folder_does_not_replace_one_of_the_library(
    tmp_path, digits, make_spec, monkeypatch, networks
):
    (tmp_path / "queue.py").write_text("raise RuntimeError('not yours')")
    monkeypatch.chdir(tmp_path)
    spec = make_spec("own_networks:breaks_at_once", **PLAIN)
    with pytest.raises(LearnOrderError, match="no first step"):
        train_collection(spec, [0], out=tmp_path / "log.zarr", dataset=digits)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([], "there are none"),
        ([1, 1], "seed 1 is given more than once"),
        ([*range(20_000), 5], "seed 5 is given more than once"),
        ([-1], "seed -1 is negative"),
        ([2**63], "seed 9223372036854775808 is too large"),
        ([1.5], r"seed 1\.5 is no integer"),
        (["3"], "seed '3' is no integer"),
        ([True], "seed True is no integer"),
        (3, r"seeds = 3 is no list of seeds.* Give for example range\(10\)\."),
    ],
)
def test_seeds_that_are_no_plan_are_refused(tmp_path, digits, make_spec, seeds, message):
    with pytest.raises(LearnOrderError, match=message):
        train_collection(make_spec(), seeds, out=tmp_path / "log.zarr", dataset=digits)


@pytest.mark.parametrize("workers", [0, -1, True, 1.0, "2"])
def test_workers_that_are_no_number_of_processes_are_refused(tmp_path, digits, make_spec, workers):
    with pytest.raises(LearnOrderError, match=f"workers = {workers!r}. It is a number of proc"):
        train_collection(make_spec(), [0], out=tmp_path / "x", dataset=digits, workers=workers)


def test_other_spec_on_a_log_says_what_differs(tmp_path, networks, digits, make_spec, train_here):
    path = tmp_path / "log.zarr"
    train_here(path, make_spec("linear", 1, **PLAIN), digits, [0])
    changed = make_spec("linear", 1, **PLAIN, optimizer={"learning_rate": 0.5})
    with pytest.raises(SpecDiffers, match=r"learning_rate is 0\.05 in the log and 0\.5 now"):
        train_collection(changed, [1], out=path, dataset=digits)
    fewer = Dataset.from_arrays(
        digits.train.inputs[:100],
        digits.train.examples.labels[:100],
        digits.test.inputs,
        digits.test.examples.labels,
    )
    with pytest.raises(SpecDiffers, match="the data differ"):
        train_collection(make_spec("linear", 1, **PLAIN), [1], out=path, dataset=fewer)
    assert [r["seed"] for r in describe(open_log(path))["replicates"]] == [0]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_output_that_is_no_log_is_left_alone(tmp_path, digits, make_spec, kind):
    path = tmp_path / "something"
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "precious.txt").write_text("precious")
    with pytest.raises(LearnOrderError, match="exists and is no log"):
        train_collection(make_spec("linear"), [0], out=path, dataset=digits)
    kept = path if kind == "file" else path / "precious.txt"
    assert kept.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["something"]


@pytest.mark.parametrize(
    ("architecture", "tables", "message"),
    [
        ("lenet", {}, "lenet"),
        ("lenett", {}, "'lenet'"),
        ("linear", {"training": {"batch_size": 1000}}, "batch_size = 1000"),
        ("no_such_module:net", {}, "no_such_module"),
        ("linear", {"augmentation": {"crop": 9}}, "crop is 9"),
        ("linear", {"dataset": {"name": "arrays", "train_limit": 3}}, "3"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tmp_path, networks, digits, make_spec, architecture, tables, message, probe_here
):
    refused(tmp_path, make_spec(architecture, **{**PLAIN, **tables}), digits, message)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("exits_at_once", "SystemExit: 4"),
        ("breaks_at_once", "RuntimeError: no first step"),
        ("asks_at_once", "EOFError: EOF when reading a line"),
    ],
)
def test_network_that_cannot_take_a_step_is_refused_before_anything_is_written(
    tmp_path, networks, digits, make_spec, architecture, message
):
    refused(tmp_path, make_spec(f"own_networks:{architecture}", **PLAIN), digits, message)


def refused(folder, spec, dataset, message):
    with pytest.raises(LearnOrderError, match=message) as raised:
        train_collection(spec, [0], out=folder / "log.zarr", dataset=dataset)
    assert "\n" not in str(raised.value)
    assert list(folder.iterdir()) == []


def test_worker_that_runs_out_of_memory_goes_on_with_fewer_workers_to_the_same_bytes(
    tmp_path, networks, digits, make_spec, monkeypatch, train_here
):
    monkeypatch.setenv("LEARNORDER_TEST_MARK", str(tmp_path / "full"))
    spec, news = make_spec("own_networks:hungry", epochs=4, **PLAIN), []
    result = train_collection(
        spec, [0, 1], out=tmp_path / "interrupted", dataset=digits, workers=2, report=news.append
    )
    assert result.finished == (0, 1)
    train_here(tmp_path / "whole", spec, digits, [0, 1])
    said = [line for line in news if isinstance(line, str) and ("memory" in line.lower())]
    assert said[0] == "Memory ran out; from here on 1 worker at a time."
    assert "exit status 77 for lack of memory: train: RuntimeError:" in said[1]
    assert len(said) == 2
    first, second = (open_log(tmp_path / name)["train"] for name in ("interrupted", "whole"))
    assert (first.prediction.values == second.prediction.values).all()


def test_replicate_that_needs_more_memory_than_there_is_fails_with_advice(
    tmp_path, networks, digits, make_spec, monkeypatch
):
    monkeypatch.setattr(pool, "MAX_DEATHS", 2)
    spec = make_spec("own_networks:insatiable", epochs=4, **PLAIN)
    with pytest.warns(UserWarning, match="1 of 1 replicates failed"):
        result = train_collection(spec, [0], out=tmp_path / "log", dataset=digits, workers=2)
    assert "2 times its worker process ended with exit status 77" in result.failed[0]
    assert "One worker alone needs more memory than there is. Use a smaller" in result.failed[0]


def test_first_step_that_needs_more_memory_than_there_is_is_refused_with_the_same_advice(
    tmp_path, networks, digits, make_spec
):
    spec = make_spec("own_networks:boundless", **PLAIN)
    with pytest.raises(
        LearnOrderError, match=r"the probe failed: its worker .* for lack"
    ) as raised:
        train_collection(spec, [0], out=tmp_path / "log", dataset=digits)
    assert "One worker alone needs more memory than there is. Use a smaller" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_network_that_waits_for_a_person_fails_at_once_with_one_line(
    tmp_path, networks, digits, make_spec
):
    spec = make_spec("own_networks:asks", **PLAIN)
    with pytest.warns(UserWarning, match="1 of 1 replicates failed"):
        result = train_collection(spec, [0], out=tmp_path / "asks", dataset=digits)
    assert "has no keyboard to read from. Take input() and breakpoint() out" in result.failed[0]
    assert "\n" not in result.failed[0]
