"""Jobs through submitit, whose local executor runs them here: the same bytes, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.collection.here import PATIENCE_SECONDS, n_committed, start_driver, wait_until
from tests.collection.test_determinism import predictions

from learnorder.collection.engines import slurm
from learnorder.collection.engines.slurm import SlurmEngine
from learnorder.collection.progress import Progress
from learnorder.collection.train import train_collection
from learnorder.errors import LearnOrderError
from learnorder.log.claim import Claim
from learnorder.log.verify import verify_log

pytest.importorskip("submitit")

HOW = [signal.SIGINT, *([signal.SIGKILL] if os.environ.get("LEARNORDER_FAULTS") == "long" else [])]
"""How a command is ended; killed in the long form alone: ``make test-faults``."""

SEEDS = range(3)
PLAIN = {"augmentation": {}, "execution": {"executor": "sequential"}}


@pytest.fixture(scope="module")
def reference(tmp_path_factory, networks, digits, make_spec, train_here):
    """What one process gives, never interrupted."""
    path = tmp_path_factory.mktemp("reference") / "slow.zarr"
    train_here(path, slow_spec(make_spec), digits, SEEDS)
    return path


def slow_spec(make_spec):
    return make_spec("own_networks:slow", epochs=5, **PLAIN)


@pytest.fixture
def pause(monkeypatch):
    """Let the network take its time, here and in what is started from here."""
    monkeypatch.setenv("LEARNORDER_TEST_PAUSE", "0.1")


def check(path: Path, reference: Path) -> None:
    assert predictions(path) == predictions(reference)
    assert verify_log(path).intact
    assert not path.with_name(f"{path.name}.jobs").exists(), "files of jobs were left"


def jobs_of(path: Path) -> list[int]:
    """Processes of submitit that run jobs of a log."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"submitit" in command and f"{path}.jobs".encode() in command:
            found.append(int(folder.name))
    return found


def test_an_array_of_jobs_gives_the_same_bytes_and_leaves_no_files(
    tmp_path, networks, digits, make_spec, reference
):
    path = tmp_path / "log.zarr"
    engine = SlurmEngine(cluster="local", replicates_per_job=2)
    result = train_collection(slow_spec(make_spec), SEEDS, out=path, dataset=digits, engine=engine)
    assert result.finished == tuple(SEEDS)
    check(path, reference)


def test_killed_job_is_submitted_again_and_what_it_printed_is_kept(
    tmp_path, networks, digits, make_spec, reference, pause
):
    path, news = tmp_path / "log.zarr", []

    def report(event):
        news.append(event)
        if isinstance(event, Progress) and event.recorded == 2:
            for process in jobs_of(path):
                os.kill(process, signal.SIGKILL)

    engine = SlurmEngine(cluster="local", replicates_per_job=3)
    result = train_collection(
        slow_spec(make_spec), SEEDS, out=path, dataset=digits, engine=engine, report=report
    )
    assert result.finished == tuple(SEEDS)
    assert predictions(path) == predictions(reference)
    said = [line for line in news if isinstance(line, str) and "ended without a result" in line]
    assert len(said) == 3
    (kept,) = path.with_name("log.zarr.jobs").iterdir()
    assert str(kept) in said[0]
    assert (kept / "jobs").is_dir()
    assert not (kept / "inputs").exists()


@pytest.mark.parametrize("how", HOW, ids=[how.name for how in HOW])
def test_command_ended_in_the_middle_is_gone_on_with_and_its_jobs_are_ended(
    tmp_path, networks, digits, make_spec, reference, pause, how
):
    path = tmp_path / "log.zarr"
    engine = ("SlurmEngine", {"cluster": "local", "replicates_per_job": 3})
    spec, silent = slow_spec(make_spec), subprocess.DEVNULL
    first = start_driver(tmp_path, networks, digits, spec, path, engine, SEEDS, silent)
    wait_until(lambda: n_committed(path) >= 2)
    first.send_signal(how)
    first.wait(PATIENCE_SECONDS)
    if how == signal.SIGINT:
        assert jobs_of(path) == []
    else:
        assert jobs_of(path), "jobs outlive the command that submitted them"
    assert n_committed(path) < 15, "it was over already"
    again = SlurmEngine(cluster="local", replicates_per_job=3)
    result = train_collection(slow_spec(make_spec), SEEDS, out=path, dataset=digits, engine=again)
    assert result.finished == tuple(SEEDS)
    check(path, reference)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"minutes": 0}, "minutes = 0. SLURM counts it in whole numbers"),
        ({"replicates_per_job": 1.5}, "replicates_per_job = 1.5"),
        ({"cpus_per_replicate": 0.5}, "cpus_per_replicate = 0.5"),
        ({"gpus_per_replicate": 0.5}, "gpus_per_replicate = 0.5"),
        ({"jobs_at_once": 0}, "jobs_at_once = 0"),
    ],
)
def test_what_slurm_cannot_count_is_refused(given, message):
    with pytest.raises(LearnOrderError) as raised:
        SlurmEngine(cluster="local", **given)
    assert message in str(raised.value)


def test_without_sbatch_the_engine_says_where_to_run(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LearnOrderError, match="needs the command sbatch"):
        SlurmEngine()


COMMANDS = """#!/bin/sh
echo "$(basename $0) $*" >> {log}
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Put commands of SLURM on the path that write down what they were asked."""
    folder, log = tmp_path / "bin", tmp_path / "asked"
    folder.mkdir()
    for name in ("scancel", "squeue"):
        (folder / name).write_text(COMMANDS.format(log=log))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return lambda: log.read_text().splitlines() if log.exists() else []


def test_abandoned_jobs_of_the_same_spec_are_cancelled_by_name_and_no_others(tmp_path, commands):
    abandoned = slurm._new_folder(tmp_path / "shared", "a" * 32)
    (abandoned / "jobs").mkdir()
    others = [slurm._new_folder(tmp_path / "shared", "b" * 32) for _ in range(2)]
    kept = slurm._new_folder(tmp_path / "shared", "a" * 32)
    slurm._remove(kept, keep_jobs=True)
    slurm._end_abandoned(tmp_path / "shared", "a" * 32, "slurm")
    assert commands() == [
        f"scancel --name {abandoned.name}",
        f"squeue --noheader --name {abandoned.name}",
    ]
    assert not abandoned.exists()
    assert all(folder.exists() for folder in (*others, kept))


def test_folder_of_a_command_is_its_own_and_one_that_is_in_use_is_left_alone(tmp_path, commands):
    folder = slurm._new_folder(tmp_path, "a" * 32)
    assert folder.stat().st_mode & 0o077 == 0
    (folder / "jobs").mkdir()
    with Claim(folder / slurm.CLAIM, "it"):
        slurm._end_abandoned(tmp_path, "a" * 32, "slurm")
    assert folder.exists()
    assert commands() == []


def test_reason_of_a_job_is_the_last_line_of_its_traceback():
    text = (
        "Job (task=0) failed during processing with trace:\n----------------------\nTraceback\n"
        "  File x\nValueError: what went wrong\n\n----------------------\nYou can check full logs "
        "with 'job.stderr(0)'\nor at paths:\n  - /s/1_0_log.err\n  - /s/1_0_log.out\n"
    )
    assert slurm._reason(text) == "ValueError: what went wrong"
    assert slurm._reason("\n") == "no reason given"
