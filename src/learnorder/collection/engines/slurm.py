"""The engine ``slurm``: arrays of jobs, through submitit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

from learnorder.collection.engines.chunk import Lost, last_line
from learnorder.collection.engines.cluster import ClusterWorkers, chunk_of
from learnorder.collection.engines.contract import Work, Workers
from learnorder.collection.engines.on_node import run_chunk
from learnorder.collection.engines.resources import Resources
from learnorder.collection.scratch import GRACE_SECONDS
from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.log.claim import Claim, is_claimed
from learnorder.log.files import is_local

ARRAY: Final = 1000
"""Jobs of one array at most: what SLURM allows unless it is told otherwise."""

PAUSE_SECONDS: Final = {"slurm": 5.0, "local": 0.2}
"""Between two looks at the jobs."""

PATIENCE_SECONDS: Final = 60.0
"""How long jobs of an earlier command may take to end."""

RETRY_SECONDS: Final = (10.0, 30.0, 0.0)
"""Pauses after attempts to submit."""

PREEMPTED_SECONDS: Final = 300.0
"""A job that was preempted may be queued again by SLURM; after so long it has not been."""

PREFIX, IDENTITY = "learnorder-", 12
"""Beginning of the name of the folder of a command and of its jobs, and how many characters of what
identifies the log follow."""

CLAIM, JOBS, KEPT = "claim", "jobs", "kept"


class SlurmEngine:
    """Train as jobs of SLURM.

    Parameters
    ----------
    shared
        Folder that all nodes see: what the networks read and the files of the jobs lie there.
        Without it, beside the log: ``LOG.jobs``.
    partition
        Partition of the cluster; without it, SLURM's default.
    minutes
        Time that a job is given. One that needs more is submitted again and goes on.
    cpus_per_replicate, gpus_per_replicate, memory_gb_per_replicate
        What a replicate is given.
    replicates_per_job
        Trained at once by one job.
    jobs_at_once
        Of an array at most; without it, as many as SLURM starts.
    options
        Further options of ``sbatch``, as ``{"account": "ml"}``.
    cluster
        ``slurm``, or ``local``: the same jobs as processes of this machine, to try them out.

    Raises
    ------
    ExtraMissing
        submitit is not installed.
    LearnOrderError
        A number is none, or ``sbatch`` is not there.
    """

    is_here = False

    def __init__(
        self,
        shared: str | Path | None = None,
        *,
        partition: str | None = None,
        minutes: int = 24 * 60,
        cpus_per_replicate: int = 1,
        gpus_per_replicate: int = 0,
        memory_gb_per_replicate: float | None = None,
        replicates_per_job: int = 1,
        jobs_at_once: int | None = None,
        options: Mapping[str, Any] | None = None,
        cluster: Literal["slurm", "local"] = "slurm",
    ) -> None:
        self._resources = Resources(cpus_per_replicate, gpus_per_replicate, memory_gb_per_replicate)
        for name, value in (
            ("minutes", minutes),
            ("replicates_per_job", replicates_per_job),
            ("cpus_per_replicate", cpus_per_replicate),
            ("gpus_per_replicate", gpus_per_replicate),
            ("jobs_at_once", 1 if jobs_at_once is None else jobs_at_once),
        ):
            least = 0 if name == "gpus_per_replicate" else 1
            if type(value) is not int or value < least:
                raise LearnOrderError(
                    f"train: {name} = {value!r}. SLURM counts it in whole numbers, {least} or "
                    "more. Give for example 1."
                )
        self._shared = None if shared is None else Path(shared)
        self._per_job, self._at_once = replicates_per_job, jobs_at_once
        self._parameters = self._as_submitit(partition, minutes, options or {})
        self._cluster = cluster
        _import_submitit()
        if cluster == "slurm" and shutil.which("sbatch") is None:
            raise LearnOrderError(
                "train: the engine slurm needs the command sbatch, which is not on this machine. "
                "Jobs are submitted from a login node. Run the command there."
            )

    def _as_submitit(
        self, partition: str | None, minutes: int, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        wanted, n = self._resources, self._per_job
        given: dict[str, Any] = {
            "timeout_min": minutes,
            "cpus_per_task": round(wanted.cpus * n),
            "gpus_per_node": round(wanted.gpus * n) or None,
            "mem_gb": None if wanted.memory_gb is None else wanted.memory_gb * n,
            "slurm_partition": partition,
            "slurm_array_parallelism": self._at_once or ARRAY,
            "slurm_additional_parameters": dict(options) or None,
            # from 22.05 on, srun does not take over how many a task has
            "slurm_srun_args": [f"--cpus-per-task={round(wanted.cpus * n)}"],
        }
        return {key: value for key, value in given.items() if value is not None}

    @property
    def n_at_once(self) -> int:
        """As far as the user says it."""
        return (self._at_once or 1) * self._per_job

    @contextmanager
    def start(self, work: Work) -> Iterator[Workers]:
        """Lay out what the jobs read; end what an earlier command that was killed has left."""
        self._resources.check(work.spec)
        parent = self._parent(work.log)
        _end_abandoned(parent, work.identity, self._cluster)
        folder = _new_folder(parent, work.identity)
        with Claim(folder / CLAIM, f"the jobs in {folder}"):
            scheduler = SlurmScheduler(folder, self._cluster, self._parameters)
            try:
                work.save_inputs(folder / "inputs")
                inputs = {"folder": str((folder / "inputs").resolve())}
                n_groups = min(self._at_once or work.n_pending, work.n_pending)
                chunk = chunk_of(work, inputs, self._per_job)
                workers = ClusterWorkers(scheduler, chunk, n_groups)
                try:
                    yield workers
                finally:
                    workers.end()
            finally:
                _remove(folder, keep_jobs=scheduler.has_lost)
                if self._shared is None:
                    with suppress(OSError):
                        parent.rmdir()  # unless there is something else in it

    def _parent(self, log: Path) -> Path:
        if self._shared is not None:
            return self._shared
        if not is_local(log):
            raise LearnOrderError(
                f"train: the log {log} is no folder, and the files of SLURM's jobs lie beside it. "
                "Name a folder that all nodes share with --shared."
            )
        return log.with_name(f"{log.name}.jobs")


class SlurmScheduler:
    """A `Scheduler` of jobs.

    Parameters
    ----------
    folder
        Where the files of the jobs lie, which all nodes see; the jobs have its name.
    cluster
        ``slurm`` or ``local``.
    parameters
        Of submitit.
    """

    def __init__(self, folder: Path, cluster: str, parameters: Mapping[str, Any]) -> None:
        submitit = _import_submitit()
        self._folder, self._cluster = folder, cluster
        self._executor = submitit.AutoExecutor(folder / JOBS, cluster=cluster)
        self._executor.update_parameters(name=folder.name, **parameters)
        self._pause = PAUSE_SECONDS[cluster]
        self._jobs: dict[Hashable, Any] = {}
        self._preempted: dict[Hashable, float] = {}
        self.has_lost = False
        """Whether a job ended without a result, so that what it printed may be asked for."""

    def submit(self, chunks: Sequence[str]) -> list[Hashable]:
        """Submit arrays of jobs."""
        handles: list[Hashable] = []
        for start in range(0, len(chunks), ARRAY):
            for job in self._submitted(chunks[start : start + ARRAY]):
                self._jobs[job.job_id] = job
                handles.append(job.job_id)
        return handles

    def _submitted(self, chunks: Sequence[str]) -> list[Any]:
        """Submit an array; SLURM may be busy for a moment."""
        for pause in RETRY_SECONDS:
            try:
                with self._executor.batch():
                    return [self._executor.submit(run_chunk, text) for text in chunks]
            except RuntimeError as error:
                reason = last_line(str(error))
            time.sleep(pause)
        raise LearnOrderError(
            f"train: SLURM does not take jobs ({reason}). What is submitted is an array of "
            f"{len(chunks)} jobs. Check partition, account and limits; see `sbatch --help`."
        )

    def wait(self, seconds: float) -> list[tuple[Hashable, str | Lost]]:
        """Wait for jobs to end."""
        ended = self._ended()
        if not ended and self._jobs:
            time.sleep(max(seconds, self._pause))
            ended = self._ended()
        return [(handle, self._outcome(self._jobs.pop(handle))) for handle in ended]

    def _ended(self) -> list[Hashable]:
        return [handle for handle, job in self._jobs.items() if job.done() or self._is_over(job)]

    def _is_over(self, job: Any) -> bool:
        """Whether a job was preempted and nobody has queued it again since."""
        if self._cluster == "local" or not str(job.state).startswith("PREEMPTED"):
            self._preempted.pop(job.job_id, None)
            return False
        since = self._preempted.setdefault(job.job_id, time.monotonic())
        return time.monotonic() - since > PREEMPTED_SECONDS

    def _outcome(self, job: Any) -> str | Lost:
        """What a job says; one that says nothing is lost, and what it has done is in the log."""
        if job.paths.result_pickle.exists():
            try:
                return str(job.result())
            except Exception as error:
                reason = _reason(str(error))
        else:
            reason = f"its state is {job.state}"
        self.has_lost = True
        return Lost(f"its job {job.job_id} ended without a result: {reason} ({job.paths.stderr}).")

    def cancel(self) -> None:
        """Cancel the jobs, and wait until they are gone."""
        if self._jobs:
            _cancel(self._folder, self._cluster)
        self._jobs = {}


def _reason(text: str) -> str:
    """What submitit says of a job that raised: the last line of its traceback."""
    _, *parts = re.split(r"\n-{5,}\n", text)
    return last_line(parts[0] if parts else text)


def _new_folder(parent: Path, identity: str) -> Path:
    """Make a folder for one command; what is unpickled from it is nobody else's to write."""
    folder = parent / f"{PREFIX}{identity[:IDENTITY]}-{uuid.uuid4().hex}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise LearnOrderError(
            f"train: cannot make {folder} ({error.strerror or error}). Files of SLURM's jobs lie "
            "in a folder that all nodes see. Name another one with --shared."
        ) from error
    return folder


def _end_abandoned(parent: Path, identity: str, cluster: str) -> None:
    """Cancel the jobs of commands on this spec that were killed: this one goes on with them.

    Of a command that still lives, on this machine or another, the claim is held.
    """
    for folder in parent.glob(f"{PREFIX}{identity[:IDENTITY]}-{'[0-9a-f]' * 32}"):
        try:
            ours = folder.lstat().st_uid == os.getuid()
            kept = (folder / KEPT).exists()
            if not ours or kept or is_claimed(folder / CLAIM) or _is_young(folder):
                continue
        except OSError:
            continue
        _cancel(folder, cluster)
        shutil.rmtree(folder, ignore_errors=True)


def _is_young(folder: Path) -> bool:
    """Whether it has no jobs, and may be about to be claimed."""
    age = time.time() - folder.stat().st_mtime
    return not (folder / JOBS).exists() and age < GRACE_SECONDS


def _cancel(folder: Path, cluster: str) -> None:
    """End all jobs of a folder, by the name they have from it, and wait until they are gone."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    if cluster == "slurm":
        _asked("scancel", "--name", folder.name)
        # what is cancelled runs on until it has been killed
        while _asked("squeue", "--noheader", "--name", folder.name) and _waits(1.0, deadline):
            pass
        return
    while (processes := _processes(folder)) and _waits(0.2, deadline):
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGINT)


def _waits(seconds: float, deadline: float) -> bool:
    time.sleep(seconds)
    return time.monotonic() < deadline


def _asked(*command: str) -> str:
    """What a command of SLURM answers; nothing where it does not."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _processes(folder: Path) -> list[int]:
    """Processes of this machine that submitit has started for the jobs of a folder."""
    found = []
    for about in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = about.read_bytes()
            if b"submitit" in command and str(folder / JOBS).encode() in command:
                found.append(int(about.parent.name))
    return found


def _remove(folder: Path, *, keep_jobs: bool) -> None:
    """Remove what the jobs have read, and what they have printed unless it is asked for."""
    if not keep_jobs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    shutil.rmtree(folder / "inputs", ignore_errors=True)
    (folder / KEPT).touch()


def _import_submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise ExtraMissing(
            "train: the engine slurm needs the package submitit, which is not installed. It comes "
            "with the extra 'cluster'. Install it with `pip install 'learnorder[cluster]'`."
        ) from error
    return submitit
