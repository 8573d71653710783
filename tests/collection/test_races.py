"""What happens to the place of a log, or to workers, while a worker measures what it will cost."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from learnorder.collection import train
from learnorder.collection.pool import Pool
from learnorder.collection.prepare import prepare
from learnorder.collection.progress import CostEstimate
from learnorder.collection.settled import kept_execution
from learnorder.collection.train import train_collection
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.creation import create_log
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.training.execution import Execution

OLDER = Path(__file__).parent.parent / "log"
FOUR = Execution("grouped", 4)


def plain_spec(make_spec, **tables):
    return make_spec("linear", 1, augmentation={}, **tables)


def begin(path, spec, digits, execution=FOUR):
    """Create a log as another process does."""
    create_log(path, prepare(spec, digits).new_log(execution))


def test_log_that_appears_during_the_probe_is_shared(tmp_path, digits, make_spec, train_here):
    path, spec = tmp_path / "log.zarr", plain_spec(make_spec)

    def appear(news):
        if isinstance(news, CostEstimate):
            train_here(path, spec, digits, [7], FOUR)

    result = train_collection(spec, [0], out=path, dataset=digits, workers=1, report=appear)
    assert result.finished == (0,)
    assert open_log(path)["test"].seed.values.tolist() == [0, 7]
    assert kept_execution(path) == FOUR


OTHERS = {
    "spec": ({}, {"optimizer": {"momentum": 0.5}}, FOUR, r"momentum is 0\.5 in the log and 0\.9"),
    "executor": (
        {"execution": {"executor": "sequential"}}, {}, FOUR,
        r"begun otherwise: execution\.executor is 'grouped' in the log and 'sequential' now",
    ),
    "width": (
        {"execution": {"width": 3}}, {}, FOUR, r"execution\.width is 4 in the log and 3 now",
    ),
    "device": (
        {}, {}, replace(FOUR, device="cuda"), r"device is 'cuda' in the log and 'cpu' now",
    ),
    "precision": (
        {"training": {"epochs": 1, "batch_size": 24, "precision": "float32"}},
        {"training": {"epochs": 1, "batch_size": 24, "precision": "bfloat16"}},
        replace(FOUR, precision="bfloat16"),
        r"training\.precision is 'bfloat16' in the log and 'float32' now",
    ),
}  # fmt: skip


@pytest.mark.parametrize("moment", ["before it is looked for", "after it was looked for"])
@pytest.mark.parametrize(("ours", "theirs", "execution", "message"), OTHERS.values(), ids=OTHERS)
def test_log_that_appears_during_the_probe_and_is_trained_otherwise_is_left_alone(
    tmp_path, digits, make_spec, monkeypatch, probe_here, moment, ours, theirs, execution, message
):
    path = tmp_path / "log.zarr"
    other = plain_spec(make_spec, **theirs)
    if moment.startswith("before"):

        def appear(news):
            if isinstance(news, CostEstimate):
                begin(path, other, digits, execution)
    else:
        appear = None

        def create_second(place, *arguments, **options):
            begin(path, other, digits, execution)
            return create_log(place, *arguments, **options)

        monkeypatch.setattr(train, "create_log", create_second)
    with pytest.raises(SpecDiffers, match=message) as raised:
        train_collection(
            plain_spec(make_spec, **ours), [0], out=path, dataset=digits, report=appear
        )
    assert "\n" not in str(raised.value)
    assert describe(open_log(path))["replicates"] == []


def test_precision_settled_otherwise_by_another_process_is_told_and_then_followed(
    tmp_path, digits, make_spec, monkeypatch, probe_here
):
    path = tmp_path / "log.zarr"
    tables = {"epochs": 1, "batch_size": 24}
    auto = plain_spec(make_spec, training={**tables, "precision": "auto"})
    other = plain_spec(make_spec, training={**tables, "precision": "bfloat16"})
    monkeypatch.setattr("learnorder.collection.settled.has_fast_bfloat16", lambda: False)

    def appear(news):
        if isinstance(news, CostEstimate) and not path.exists():
            begin(path, other, digits, replace(FOUR, precision="bfloat16"))

    def run():
        train_collection(auto, [0], out=path, dataset=digits, workers=1, report=appear)

    with pytest.raises(SpecDiffers, match=r"meanwhile .* in bfloat16, .*'auto' is float32 here"):
        run()
    assert describe(open_log(path))["replicates"] == []
    followed = []
    monkeypatch.setattr(Pool, "begin", lambda *given, **_: followed.append(given[2]))
    monkeypatch.setattr(Pool, "wait", lambda _: [])
    with pytest.warns(UserWarning, match="did not finish"):
        run()
    assert [execution.precision for execution in followed] == ["bfloat16"]


@pytest.mark.parametrize("version", [1, 2])
def test_log_that_train_did_not_write_is_refused_in_one_line(tmp_path, digits, make_spec, version):
    path = tmp_path / "log.zarr"
    shutil.copytree(OLDER / f"format{version}.zarr", path)
    with pytest.raises(SpecDiffers, match="keeps no whole spec, so `learnorder train` did not"):
        train_collection(plain_spec(make_spec), [0], out=path, dataset=digits)


@pytest.mark.parametrize(
    "kept",
    [{"executor": "jax"}, {"width": "x"}, {"width": 0}, {"precision": "int8"}, ["grouped"]],
    ids=str,
)
def test_log_trained_in_a_way_that_is_not_known_is_refused_in_one_line(
    tmp_path, digits, make_spec, kept
):
    path, spec = tmp_path / "log.zarr", plain_spec(make_spec)
    create_log(path, replace(prepare(spec, digits).new_log(FOUR), execution=kept))
    with pytest.raises(LearnOrderError, match="which this version cannot do") as raised:
        train_collection(spec, [0], out=path, dataset=digits)
    assert "\n" not in str(raised.value)


def test_worker_that_is_killed_while_another_probes_is_told_of_and_training_goes_on(
    tmp_path, digits, make_spec, monkeypatch
):
    news, seen = [], []

    def probe(pool, *arguments):
        killed = pool._workers[1]
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait()
        found = real(pool, *arguments)
        seen.append(pool.n_workers)
        return found

    real = Pool.probe
    monkeypatch.setattr(Pool, "probe", probe)
    result = train_collection(
        plain_spec(make_spec, execution={"executor": "sequential"}), [0, 1],
        out=tmp_path / "log.zarr", dataset=digits, workers=2, report=news.append,
    )  # fmt: skip
    assert result.finished == (0, 1)
    assert seen == [1]
    (said,) = [line for line in news if isinstance(line, str) and "worker" in line]
    assert said == (
        "a worker process was killed (signal 9); the usual reason is that memory ran out. "
        "Memory may have run out; from here on 1 worker at a time."
    )
    (cost,) = [line for line in news if isinstance(line, CostEstimate)]
    assert cost.n_workers == 1
