"""Workers that are forked from one process are what they would be on their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from tests.collection.here import wait_until
from tests.processes import is_alive

from learnorder.collection import processes
from learnorder.collection.pool import Pool
from learnorder.collection.prepare import prepare
from learnorder.collection.processes import ready_to_fork
from learnorder.collection.train import train_collection
from learnorder.log.reader import open_log
from learnorder.training.inputs import save

pytestmark = pytest.mark.skipif(not processes.CAN_FORK, reason="workers are forked on Linux")

PROBE = """
import json, os, sys
from torch import nn

def kind(descriptor):
    try:
        return os.path.basename(os.readlink(descriptor)).split(":")[0]
    except FileNotFoundError:
        return ""  # that of the listing

def linear(input_shape, n_classes):
    about = {
        "pid": os.getpid(), "server": os.getppid(), "session": os.getsid(0),
        "folder": os.getcwd(), "path": sys.path[0], "mark": os.environ.get("LEARNORDER_TEST_MARK"),
        "threads": os.environ["OMP_NUM_THREADS"],
        "opened": sorted(kind(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")),
    }
    with open(os.environ["LEARNORDER_TEST_SAID"], "w") as file:
        json.dump(about, file)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))
"""


@pytest.fixture
def alone(monkeypatch):
    """Hide the server that is shared by all tests."""
    monkeypatch.setattr(processes, "_kept", processes._Kept())


@pytest.fixture
def make_pool(tmp_path, digits, make_spec, monkeypatch):
    """Make a pool whose workers write down what they are."""
    (tmp_path / "who_am_i.py").write_text(PROBE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LEARNORDER_TEST_SAID", str(tmp_path / "said.json"))
    prepared = prepare(make_spec("who_am_i:linear"), digits)

    def make(name="scratch"):
        scratch = tmp_path / name
        scratch.mkdir()
        save(prepared.encoded(), scratch / "inputs")
        return Pool(prepared.spec, prepared.identity, scratch, 1)

    return make


def asked(pool) -> dict:
    """What the worker of a pool has written down."""
    pool.probe(None, print)
    return json.loads(Path(os.environ["LEARNORDER_TEST_SAID"]).read_text())


@pytest.fixture
def probed(make_pool):
    """Return what a worker of a new pool has written down."""
    numbers = count()

    def probed():
        with make_pool(f"scratch-{next(numbers)}") as pool:
            return asked(pool)

    return probed


@pytest.mark.usefixtures("alone")
def test_pools_in_one_block_fork_from_one_process_that_ends_with_it(probed):
    with ready_to_fork():
        first = probed()
        with ready_to_fork():
            second = probed()
        assert first["server"] == second["server"] != os.getpid()
        assert first["pid"] != second["pid"]
        assert "Threads:\t1\n" in Path(f"/proc/{first['server']}/status").read_text()
    assert not Path(f"/proc/{first['server']}").exists()
    assert probed()["server"] == os.getpid()


@pytest.mark.usefixtures("alone")
def test_killed_server_is_replaced_and_its_workers_do_not_wait_for_ever(make_pool, probed):
    with ready_to_fork():
        with make_pool() as pool:
            first = asked(pool)
            os.kill(first["server"], signal.SIGKILL)
            pool.probe(None, print)  # its worker goes on
        second = probed()
    assert second["server"] not in (first["server"], os.getpid())
    wait_until(lambda: not is_alive(first["pid"]))


def test_forked_worker_has_the_environment_path_and_folder_of_the_moment(
    probed, monkeypatch, tmp_path
):
    with ready_to_fork():
        probed()
        for mark in ("one", "two"):
            folder = tmp_path / mark
            folder.mkdir()
            monkeypatch.setenv("LEARNORDER_TEST_MARK", mark)
            monkeypatch.chdir(folder)
            monkeypatch.syspath_prepend(str(folder))
            found = probed()
            assert (found["mark"], found["threads"]) == (mark, "1")
            assert found["folder"] == found["path"] == str(folder.resolve())
            assert found["session"] == found["pid"]


def test_forked_worker_holds_no_descriptors_of_others(make_pool, probed, monkeypatch):
    with ready_to_fork(), make_pool() as bystander:
        asked(bystander)
        forked = probed()["opened"]
    monkeypatch.setattr(processes, "_kept", processes._Kept())
    assert forked == probed()["opened"]


@pytest.mark.parametrize("how", ["terminated", "killed"])
def test_end_of_a_forked_worker_is_told_as_it_was(make_pool, how):
    number = {"terminated": signal.SIGTERM, "killed": signal.SIGKILL}[how]
    with ready_to_fork(), make_pool() as pool:
        found = asked(pool)
        (worker,) = pool._workers
        os.kill(found["pid"], number)
        assert worker.process.wait() == worker.process.wait() == -number
        worker.process.kill()  # too late, and no harm


def test_forked_workers_and_those_on_their_own_give_the_same_bytes(
    tmp_path, networks, digits, make_spec, monkeypatch
):
    spec = make_spec(recording={"early": "log", "initial": True})
    for name, can_fork in (("forked", True), ("alone", False)):
        with monkeypatch.context() as patch:
            patch.setattr(processes, "_kept", processes._Kept())
            patch.setattr(processes, "CAN_FORK", can_fork)
            train_collection(spec, range(3), out=tmp_path / name, dataset=digits, workers=2)
    first, second = (open_log(tmp_path / name)["test"] for name in ("forked", "alone"))
    assert first.prediction.values.tobytes() == second.prediction.values.tobytes()


@pytest.mark.usefixtures("alone")
def test_fork_of_the_parent_has_no_server():
    with ready_to_fork():
        child = os.fork()
        if child == 0:
            os._exit(0 if processes._kept.server is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_parent_that_is_killed_takes_server_and_workers_with_it(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = f"""
import os, sys
from pathlib import Path
from learnorder.collection.processes import ready_to_fork, start_worker
with ready_to_fork():
    worker = start_worker(Path({str(scratch)!r}), Path({str(tmp_path / "errors")!r}))
    print(worker.pid, Path(f"/proc/{{worker.pid}}/stat").read_text().split()[3], flush=True)
    sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pids = parent.stdout.readline().split()
    parent.kill()
    parent.communicate()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


SITES = {
    "a Python without descriptors of processes": "import os\ndel os.pidfd_open\n",
    "a thread of somebody else": (
        "import sys, threading, time\n"
        "if 'learnorder.collection.fork_server' in ' '.join(sys.orig_argv):\n"
        "    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
    ),
    "a server that cannot be": (
        "import sys\n"
        "if 'learnorder.collection.fork_server' in ' '.join(sys.orig_argv):\n"
        "    sys.exit(1)\n"
    ),
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("site", SITES)
def test_training_goes_on_whatever_is_wrong_with_the_server(probed, tmp_path, monkeypatch, site):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITES[site])
    monkeypatch.syspath_prepend(str(folder))
    with ready_to_fork():
        alone = probed()["server"] == os.getpid()
    assert alone == (site != "a Python without descriptors of processes")


@pytest.mark.usefixtures("alone")
def test_ends_are_told_where_the_parent_hears_of_no_child(probed):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        with ready_to_fork():
            assert probed()["server"] != os.getpid()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("alone")
def test_interrupted_request_is_not_answered_with_the_next(make_pool, monkeypatch):
    receive = processes.socket.recv_fds

    def interrupted(*_):
        monkeypatch.setattr(processes.socket, "recv_fds", receive)
        raise KeyboardInterrupt

    with ready_to_fork():
        make_pool("first").__exit__(None, None, None)
        monkeypatch.setattr(processes.socket, "recv_fds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_pool("second")
        with make_pool("third") as pool:
            assert asked(pool)["pid"] == pool._workers[0].process.pid


@pytest.mark.usefixtures("alone")
def test_status_that_nobody_told_is_not_made_up(make_pool):
    with ready_to_fork(), make_pool() as pool:
        found = asked(pool)
        os.kill(found["server"], signal.SIGKILL)
        os.kill(found["pid"], signal.SIGTERM)
        (worker,) = pool._workers
        assert "an exit status that was lost" in worker.last_words()
        assert not worker.was_killed


def test_request_leaves_no_file_with_the_environment(make_pool, tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNORDER_TEST_MARK", "a secret")
    with ready_to_fork(), make_pool() as pool:
        assert asked(pool)["mark"] == "a secret"
        files = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
        assert files
        assert not any(b"a secret" in path.read_bytes() for path in files)
