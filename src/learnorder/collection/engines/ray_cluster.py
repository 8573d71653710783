"""The engine ``ray``: tasks of a Ray cluster, or of a Ray started for them on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from learnorder.collection.engines.chunk import Lost, last_line
from learnorder.collection.engines.cluster import ClusterWorkers, chunk_of
from learnorder.collection.engines.contract import Work, Workers
from learnorder.collection.engines.on_node import run_chunk
from learnorder.collection.engines.resources import Resources
from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.log.cores import available_cores

BLOCK: Final = 256 << 20
"""Bytes of one object in Ray's store; a file of inputs is several."""

LOCAL: Final = "local"
"""The address that has Ray started on this machine."""

HERE: Final = "127.0.0.1"
"""Ray has no password: one that is started here listens to this machine alone."""

LOOPBACK_ALONE: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""What makes Ray take 127.0.0.1 as it is. Otherwise it puts the address of this machine in the
network in its place, and listens there. It is read when Ray is imported."""

PATIENCE_SECONDS: Final = 10.0
"""How long a cluster may take to answer. Ray itself tries for minutes."""

REASONS: Final = {
    "WorkerCrashedError": "its Ray worker process ended unexpectedly.",
    "OutOfMemoryError": "Ray ended its worker process because memory of the node ran out.",
    "NodeDiedError": "its node is gone.",
    "TaskCancelledError": "its Ray task was cancelled.",
}
"""What Ray's exceptions say, in a line."""


class RayEngine:
    """Train as tasks of Ray.

    Parameters
    ----------
    address
        Of the cluster, as ``auto`` or ``10.0.0.1:6379``; without it ``RAY_ADDRESS``, and without
        that a Ray on this machine that ends with training.
    cpus_per_replicate, gpus_per_replicate, memory_gb_per_replicate
        What a replicate is given; Ray starts as many at once as fit.

    Raises
    ------
    ExtraMissing
        Ray is not installed.
    LearnOrderError
        The address is one that this engine cannot use, or a number is none.
    """

    is_here = False

    def __init__(
        self,
        address: str | None = None,
        *,
        cpus_per_replicate: float = 1,
        gpus_per_replicate: float = 0,
        memory_gb_per_replicate: float | None = None,
    ) -> None:
        self._resources = Resources(cpus_per_replicate, gpus_per_replicate, memory_gb_per_replicate)
        self._address = address or os.environ.get("RAY_ADDRESS")
        if (self._address or "").startswith("ray://"):
            raise LearnOrderError(
                f"train: {self._address} is the address of Ray's client, through which data would "
                "go one by one. Run the command on a node of the cluster, as with `ray job "
                "submit`, and give --address auto."
            )
        if self._address in (None, LOCAL) or str(self._address).startswith(HERE):
            os.environ.update(LOOPBACK_ALONE)
        _import_ray()

    @property
    def n_at_once(self) -> int:
        """On this machine as many as it has cores for; of a cluster nothing is known yet."""
        return 1 if self._address else max(1, int(available_cores() // self._resources.cpus))

    @contextmanager
    def start(self, work: Work) -> Iterator[Workers]:
        """Join or start Ray, and put what the networks read into its store, once for all nodes."""
        ray = _import_ray()
        self._resources.check(work.spec)
        work.save_inputs(work.scratch / "inputs")
        is_ours = not ray.is_initialized()
        if is_ours:
            _join(ray, self._address)
        try:
            wanted = self._resources
            scheduler = RayScheduler(wanted, _put(ray, work.scratch / "inputs"))
            n_workers = min(_room(ray.cluster_resources(), wanted), work.n_pending)
            fits = any(_fits(node, wanted) for node in ray.nodes())
            note = None if fits else _too_large(wanted)
            workers = ClusterWorkers(scheduler, chunk_of(work, {}), n_workers, note)
            try:
                yield workers
            finally:
                workers.end()
        finally:
            if is_ours:
                ray.shutdown()


class RayScheduler:
    """A `Scheduler` of Ray tasks. Retries are not Ray's: who asks knows which seeds went on.

    Parameters
    ----------
    resources
        Of a chunk.
    files
        Objects in Ray's store that hold what the networks read, by name of the file.
    """

    def __init__(self, resources: Resources, files: Mapping[str, Sequence[Any]]) -> None:
        self._ray = _import_ray()
        memory = {"memory": round(resources.memory_gb * 1e9)} if resources.memory_gb else {}
        self._task = self._ray.remote(_on_node).options(
            num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=0, **memory
        )
        self._files = {name: list(blocks) for name, blocks in files.items()}
        self._under_way: list[Any] = []

    def submit(self, chunks: Sequence[str]) -> list[Hashable]:
        """Queue a task for each."""
        handles = [self._task.remote(text, self._files) for text in chunks]
        self._under_way += handles
        return list(handles)

    def wait(self, seconds: float) -> list[tuple[Hashable, str | Lost]]:
        """Wait for tasks to end."""
        if not self._under_way:
            return []
        ray, n = self._ray, len(self._under_way)
        ready, _ = ray.wait(self._under_way, num_returns=1, timeout=seconds)
        if ready:
            ready, self._under_way = ray.wait(self._under_way, num_returns=n, timeout=0)
        return [(handle, self._outcome(handle)) for handle in ready]

    def _outcome(self, handle: Any) -> str | Lost:
        try:
            return str(self._ray.get(handle))
        except Exception as error:
            return Lost(_reason(error))

    def cancel(self) -> None:
        """End the tasks with their processes; what these have committed stays."""
        for handle in self._under_way:
            self._ray.cancel(handle, force=True)
        if self._under_way:
            self._ray.wait(self._under_way, num_returns=len(self._under_way), timeout=10)
        self._under_way = []


def _on_node(text: str, files: Mapping[str, Sequence[Any]]) -> str:
    """What a Ray task does."""
    import ray

    def fetch(folder: Path) -> None:
        for name, blocks in files.items():
            with (folder / name).open("wb") as file:
                for block in blocks:
                    file.write(memoryview(ray.get(block)))

    return run_chunk(text, fetch)


def _put(ray: Any, folder: Path) -> dict[str, list[Any]]:
    """Put the files of a folder into Ray's store, in blocks."""
    return {path.name: [ray.put(block) for block in _blocks(path)] for path in folder.iterdir()}


def _blocks(path: Path) -> Iterator[np.ndarray[Any, Any]]:
    size = path.stat().st_size
    for start in range(0, size, BLOCK):
        yield np.fromfile(path, np.uint8, min(BLOCK, size - start), offset=start)


def _join(ray: Any, address: str | None) -> None:
    """Join a cluster, or start Ray on this machine.

    Raises
    ------
    LearnOrderError
        There is no Ray to join, or it is of another version.
    """
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        if address not in (None, LOCAL):
            _knock(str(address))
            ray.init(address=address, **quiet)
            return
        # as other processes of this machine: Ray would let them wait for all others
        os.environ.setdefault("RAY_worker_niceness", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local",
            num_cpus=available_cores(),
            include_dashboard=False,
            _node_ip_address=HERE,
            **quiet,
        )
        if any(node["NodeManagerAddress"] != HERE for node in ray.nodes()):
            ray.shutdown()
            raise RuntimeError(
                "ray was imported before the engine was made, and would listen to the network"
            )
    except Exception as error:
        where = f"join Ray at {address}" if address else "start Ray on this machine"
        raise LearnOrderError(
            f"train: cannot {where} ({_reason(error).rstrip('.')}). An address is that of a "
            "running cluster of the same version of Ray and Python. See `ray status`, or leave "
            "--address out to start one here."
        ) from error


def _knock(address: str) -> None:
    """Raise at once where nobody listens; what is no address of a port is Ray's to find."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_SECONDS).close()


def _room(resources: Mapping[str, float], wanted: Resources) -> int:
    """How many replicates fit at once; 1 where none does, which waits until a node is added."""
    room = resources.get("CPU", 0) // wanted.cpus
    if wanted.gpus:
        room = min(room, resources.get("GPU", 0) // wanted.gpus)
    if wanted.memory_gb:
        room = min(room, resources.get("memory", 0) // (wanted.memory_gb * 1e9))
    return max(1, int(room))


def _fits(node: Mapping[str, Any], wanted: Resources) -> bool:
    has = node["Resources"]
    amounts = {"CPU": wanted.cpus, "GPU": wanted.gpus, "memory": (wanted.memory_gb or 0) * 1e9}
    return bool(node["Alive"]) and all(has.get(name, 0) >= n for name, n in amounts.items())


def _too_large(wanted: Resources) -> str:
    memory = f", {wanted.memory_gb:g} GB" if wanted.memory_gb else ""
    return (
        f"no node of the cluster has what a replicate is to be given ({wanted.cpus:g} CPUs, "
        f"{wanted.gpus:g} GPUs{memory}); waiting until one is added"
    )


def _reason(error: BaseException) -> str:
    """One line for what Ray raises."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        error = cause
    name = type(error).__name__
    if name in REASONS:
        return REASONS[name]
    return f"{name}: {last_line(str(error), 'without a message')}."


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ExtraMissing(
            "train: the engine ray needs the package ray, which is not installed. It comes with "
            "the extra 'ray'. Install it with `pip install 'learnorder[ray]'`."
        ) from error
    return ray
