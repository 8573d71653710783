"""Real Ray on the loopback interface: whatever happens, the log has the bytes of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.collection.here import PATIENCE_SECONDS, n_committed, start_driver, wait_until
from tests.collection.test_determinism import predictions

from learnorder.collection.engines.ray_cluster import HERE, LOOPBACK_ALONE, RayEngine
from learnorder.collection.progress import Progress
from learnorder.collection.train import train_collection
from learnorder.errors import LearnOrderError
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log

os.environ.update(LOOPBACK_ALONE)
ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = [
    # of Ray's own, when it ends
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HOW = [signal.SIGKILL, *([signal.SIGINT] if os.environ.get("LEARNORDER_FAULTS") == "long" else [])]
"""How a command is ended; Ctrl-C in the long form alone: ``make test-faults``."""

SEEDS = range(4)
PLAIN = {"augmentation": {}, "execution": {"executor": "sequential"}}
STORE = 80 << 20
"""Bytes of the object store of a node, in memory."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory, networks):
    """A cluster of a head and another node, of one core each."""
    mark = tmp_path_factory.mktemp("mark") / "mark"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEARNORDER_TEST_MARK", str(mark))
        patch.setenv("LEARNORDER_TEST_PAUSE", "0.1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        # a node that does not answer is given up after 2 seconds instead of 15
        patch.setenv("RAY_health_check_period_ms", "400")
        patch.delenv("RAY_ADDRESS", raising=False)
        found = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "node_ip_address": HERE,
                "object_store_memory": STORE,
                "include_dashboard": False,
            },
        )
        found.mark = mark
        add(found)
        yield found
        found.shutdown()
    deadline = time.monotonic() + 20
    while (left := _raylets()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left, "Ray outlived the tests"


def add(nodes):
    return nodes.add_node(num_cpus=1, node_ip_address=HERE, object_store_memory=STORE, wait=True)


def _raylets() -> list[str]:
    mine = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if b"raylet/raylet" in command and parent == os.getpid():
            mine.append(folder.name)
    return mine


@pytest.fixture
def engine(nodes):
    return RayEngine(nodes.address)


@pytest.fixture(scope="module")
def slow_reference(tmp_path_factory, networks, digits, make_spec, train_here):
    """What one process gives, never interrupted, of a network that takes its time on the nodes."""
    path = tmp_path_factory.mktemp("reference") / "slow.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LEARNORDER_TEST_PAUSE", raising=False)
        train_here(path, make_spec("own_networks:slow", epochs=6, **PLAIN), digits, SEEDS)
    return path


def n_under_way(path: Path) -> int:
    """Replicates that have some epochs, and lack two at least."""
    numbers = [len(list(f.glob("*.json"))) for f in path.glob("**/commits/test")]
    return sum(0 < n <= 4 for n in numbers)


def check(path: Path, reference: Path) -> None:
    """Nothing is lost: the same bytes, and every file is as it was written."""
    assert predictions(path) == predictions(reference)
    assert verify_log(path).intact


def test_any_number_of_nodes_gives_the_same_bytes_and_data_are_sent_once_to_each(
    tmp_path, engine, networks, digits, make_spec, train_here
):
    spec, news = make_spec(epochs=3), []
    result = train_collection(
        spec, SEEDS, out=tmp_path / "ray.zarr", dataset=digits, engine=engine, report=news.append
    )
    assert result.finished == tuple(SEEDS)
    train_here(tmp_path / "here.zarr", spec, digits, SEEDS)
    check(tmp_path / "ray.zarr", tmp_path / "here.zarr")
    sent = [line for line in news if isinstance(line, str) and line.startswith("data sent")]
    assert len(sent) == 1, "both nodes are this machine, which has the data once"
    last = [event for event in news if isinstance(event, Progress)][-1]
    assert (last.finished, last.recorded, last.n_points) == (4, 12, 12)
    assert not ray.is_initialized()


def test_node_killed_in_the_middle_loses_nothing(
    tmp_path, nodes, engine, digits, make_spec, slow_reference
):
    path, lost, news = tmp_path / "log.zarr", nodes.worker_nodes.copy().pop(), []

    def report(event):
        news.append(event)
        if lost in nodes.worker_nodes and n_under_way(path) == 2:
            nodes.remove_node(lost, allow_graceful=False)
            add(nodes)

    spec = make_spec("own_networks:slow", epochs=6, **PLAIN)
    result = train_collection(
        spec, range(4), out=path, dataset=digits, engine=engine, report=report
    )
    assert result.finished == tuple(SEEDS)
    said = [line for line in news if isinstance(line, str) and "goes on from its last" in line]
    assert len(said) == 1
    check(path, slow_reference)


def test_worker_out_of_memory_is_told_and_the_replicate_goes_on(
    tmp_path, nodes, engine, digits, make_spec, train_here
):
    nodes.mark.unlink(missing_ok=True)
    spec, news = make_spec("own_networks:hungry", epochs=4, **PLAIN), []
    result = train_collection(
        spec, [0, 1], out=tmp_path / "log.zarr", dataset=digits, engine=engine, report=news.append
    )
    assert result.finished == (0, 1)
    (said,) = [line for line in news if isinstance(line, str) and "memory" in line]
    assert "exit status 77 for lack of memory" in said
    train_here(tmp_path / "here.zarr", spec, digits, [0, 1])
    check(tmp_path / "log.zarr", tmp_path / "here.zarr")


def test_replicate_that_always_fails_does_not_stop_the_others_and_its_reason_is_kept(
    tmp_path, engine, digits, make_spec
):
    path, spec = tmp_path / "log.zarr", make_spec("own_networks:deadly_for_some", **PLAIN)
    with pytest.warns(UserWarning, match="of 6 replicates failed"):
        result = train_collection(spec, range(6), out=path, dataset=digits, engine=engine)
    assert result.finished
    assert result.failed
    assert all("3 times its worker process was killed" in r for r in result.failed.values())
    states = {r["seed"]: r for r in describe(open_log(path))["replicates"]}
    for seed in result.failed:
        assert states[seed]["status"] == "failed"
        assert "3 times its worker process was killed" in states[seed]["reason"]


def test_network_that_cannot_train_is_refused_and_nothing_is_written(
    tmp_path, engine, digits, make_spec
):
    with pytest.raises(LearnOrderError, match="no first step"):
        train_collection(
            make_spec("own_networks:breaks_at_once", **PLAIN),
            [0],
            out=tmp_path / "log.zarr",
            dataset=digits,
            engine=engine,
        )
    assert not (tmp_path / "log.zarr").exists()


@pytest.fixture
def driver(tmp_path, nodes, networks, digits, make_spec):
    """Return a function that starts training in a process of its own."""
    spec, started = make_spec("own_networks:slow", epochs=6, **PLAIN), []

    def start(out: Path, seeds=SEEDS) -> subprocess.Popen[str]:
        engine = ("RayEngine", {"address": nodes.address})
        process = start_driver(
            tmp_path, networks, digits, spec, out, engine, seeds, subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", HOW, ids=[how.name for how in HOW])
def test_driver_ended_in_the_middle_leaves_nothing_running_and_is_gone_on_with(
    tmp_path, driver, nodes, slow_reference, how
):
    path = tmp_path / "log.zarr"
    first = driver(path)
    wait_until(lambda: n_committed(path) >= 3)
    first.send_signal(how)
    first.wait(PATIENCE_SECONDS)
    time.sleep(2)  # Ray ends the tasks of a command that is gone
    stood = n_committed(path)
    assert stood < 24, "it was over already"
    time.sleep(3)
    assert n_committed(path) == stood, "somebody goes on with it"
    again = driver(path)
    _, errors = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, errors
    check(path, slow_reference)


def test_two_drivers_on_one_log_lose_nothing(tmp_path, driver, slow_reference):
    path = tmp_path / "log.zarr"
    both = [driver(path, (0, 1)), driver(path, (2, 3))]
    for process in both:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, errors
    check(path, slow_reference)


def test_resources_that_no_node_has_are_told(nodes):
    from learnorder.collection.engines import ray_cluster

    wanted = ray_cluster.Resources(cpus=64, gpus=1)
    ray.init(address=nodes.address, log_to_driver=False)
    try:
        assert not any(ray_cluster._fits(node, wanted) for node in ray.nodes())
        assert any(ray_cluster._fits(node, ray_cluster.Resources()) for node in ray.nodes())
    finally:
        ray.shutdown()
    assert "64 CPUs, 1 GPUs); waiting until one is added" in ray_cluster._too_large(wanted)


def test_without_an_address_ray_is_started_on_this_machine_alone_and_ended(
    tmp_path, networks, digits, make_spec, train_here
):
    spec, heard = make_spec("linear", epochs=2, augmentation={}), []

    def report(event):
        if isinstance(event, Progress):
            heard.extend(n["NodeManagerAddress"] for n in ray.nodes())

    train_collection(
        spec, [0], out=tmp_path / "log.zarr", dataset=digits, engine=RayEngine(), report=report
    )
    assert set(heard) == {HERE}
    assert not ray.is_initialized()


def test_address_where_no_ray_is_and_one_of_rays_client_are_refused_in_one_line(
    tmp_path, digits, make_spec
):
    with pytest.raises(LearnOrderError, match="ray://host:1 is the address of Ray's client"):
        RayEngine("ray://host:1")
    with pytest.raises(LearnOrderError, match=r"cannot join Ray at 127\.0\.0\.1:1 ") as raised:
        train_collection(
            make_spec("linear", augmentation={}),
            [0],
            out=tmp_path / "log.zarr",
            dataset=digits,
            engine=RayEngine("127.0.0.1:1"),
        )
    assert "\n" not in str(raised.value)
