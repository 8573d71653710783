"""The engine ``slurm``: arrays of jobs, through submitit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import uuid
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

from learnorder.collection.engines.chunk import Lost
from learnorder.collection.engines.cluster import ClusterWorkers, chunk_of
from learnorder.collection.engines.contract import Work, Workers
from learnorder.collection.engines.on_node import run_chunk
from learnorder.collection.engines.resources import Resources
from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.log.claim import Claim, is_claimed
from learnorder.log.files import is_local

ARRAY: Final = 1000
"""Jobs of one array at most: what SLURM allows unless it is told otherwise."""

PAUSE_SECONDS: Final = {"slurm": 5.0, "local": 0.2}
"""Between two looks at the jobs."""

PATIENCE_SECONDS: Final = 60.0
"""How long jobs of an earlier command may take to end."""

GRACE_SECONDS: Final = 60.0
"""Between making a folder and claiming it a moment passes, so a young one is left alone."""

CLAIM, SUBMITTED = "claim", "submitted.json"


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

    name = "slurm"
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
            "name": "learnorder",
            "timeout_min": minutes,
            "cpus_per_task": round(wanted.cpus * n),
            "gpus_per_node": round(wanted.gpus * n) or None,
            "mem_gb": None if wanted.memory_gb is None else wanted.memory_gb * n,
            "slurm_partition": partition,
            "slurm_array_parallelism": self._at_once or ARRAY,
            "slurm_additional_parameters": dict(options) or None,
        }
        return {key: value for key, value in given.items() if value is not None}

    @property
    def n_at_once(self) -> int:
        """As far as the user says it."""
        return (self._at_once or 1) * self._per_job

    @contextmanager
    def start(self, work: Work) -> Iterator[Workers]:
        """Lay out what the jobs read; end what an earlier command that was killed has left."""
        parent = self._parent(work.log)
        _end_abandoned(parent, self._cluster)
        folder = _new_folder(parent)
        with Claim(folder / CLAIM, f"the jobs in {folder}"):
            scheduler = SlurmScheduler(folder, self._cluster, self._parameters)
            try:
                work.save_inputs(folder / "inputs")
                inputs = {"folder": str((folder / "inputs").resolve())}
                n_groups = min(self._at_once or work.n_pending, work.n_pending)
                yield ClusterWorkers(scheduler, chunk_of(work, inputs, self._per_job), n_groups)
            finally:
                scheduler.cancel()
                _remove(folder, keep_jobs=scheduler.has_lost)

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
        Where the files of the jobs lie, which all nodes see.
    cluster
        ``slurm`` or ``local``.
    parameters
        Of submitit.
    """

    def __init__(self, folder: Path, cluster: str, parameters: Mapping[str, Any]) -> None:
        submitit = _import_submitit()
        self._folder = folder
        self._executor = submitit.AutoExecutor(folder / "jobs", cluster=cluster)
        self._executor.update_parameters(**parameters)
        self._pause = PAUSE_SECONDS[cluster]
        self._jobs: dict[Hashable, Any] = {}
        self._submitted: list[str] = []
        self.has_lost = False
        """Whether a job ended without a result, so that what it printed may be asked for."""

    def submit(self, chunks: Sequence[str]) -> list[Hashable]:
        """Submit arrays of jobs."""
        handles: list[Hashable] = []
        for start in range(0, len(chunks), ARRAY):
            with self._executor.batch():
                jobs = [
                    self._executor.submit(run_chunk, text) for text in chunks[start : start + ARRAY]
                ]
            for job in jobs:
                self._jobs[job.job_id] = job
                handles.append(job.job_id)
            self._submitted += [job.job_id for job in jobs]
            (self._folder / SUBMITTED).write_text(json.dumps(self._submitted))
        return handles

    def wait(self, seconds: float) -> list[tuple[Hashable, str | Lost]]:
        """Wait for jobs to end."""
        ended = self._ended()
        if not ended and self._jobs:
            time.sleep(max(seconds, self._pause))
            ended = self._ended()
        return [(handle, self._outcome(self._jobs.pop(handle))) for handle in ended]

    def _ended(self) -> list[Hashable]:
        return [handle for handle, job in self._jobs.items() if job.done()]

    def _outcome(self, job: Any) -> str | Lost:
        try:
            return str(job.result())
        except Exception as error:
            self.has_lost = True
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            last = lines[-1].rstrip(".") if lines else type(error).__name__
            return Lost(
                f"its job {job.job_id} ended without a result ({last}; see {job.paths.stderr})."
            )

    def cancel(self) -> None:
        """Cancel the jobs, and wait until they are gone."""
        _cancel(list(self._jobs.values()))
        self._jobs = {}


def _new_folder(parent: Path) -> Path:
    folder = parent / f"driver-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise LearnOrderError(
            f"train: cannot make {folder} ({error.strerror or error}). Files of SLURM's jobs lie "
            "in a folder that all nodes see. Name another one with --shared."
        ) from error
    return folder


def _end_abandoned(parent: Path, cluster: str) -> None:
    """Cancel the jobs of commands that were killed: this one trains their replicates on.

    Of a command that still lives, on this machine or another, the claim is held.
    """
    for folder in parent.glob("driver-*"):
        if is_claimed(folder / CLAIM) or _is_young(folder):
            continue
        with suppress(OSError, ValueError):
            names = json.loads((folder / SUBMITTED).read_text())
            _cancel([_job(folder / "jobs", str(name), cluster) for name in names])
        shutil.rmtree(folder, ignore_errors=True)


def _is_young(folder: Path) -> bool:
    """Whether it has no jobs, and may be about to be claimed."""
    try:
        age = time.time() - folder.stat().st_mtime
    except OSError:
        return True  # gone already
    return not (folder / SUBMITTED).exists() and age < GRACE_SECONDS


def _job(folder: Path, name: str, cluster: str) -> Any:
    submitit = _import_submitit()
    return (submitit.SlurmJob if cluster == "slurm" else submitit.LocalJob)(folder, name)


def _cancel(jobs: Sequence[Any]) -> None:
    for job in jobs:
        if type(job).__name__ == "LocalJob":
            _interrupt(job)
        else:
            with suppress(Exception):  # it has ended, or SLURM has forgotten it
                job.cancel(check=False)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(_is_alive, jobs)) and time.monotonic() < deadline:
        time.sleep(0.1)


def _is_alive(job: Any) -> bool:
    if type(job).__name__ == "LocalJob":
        return _is_controller(job)
    return not bool(job.done(force_check=True))


def _interrupt(job: Any) -> None:
    """End a job that is a process of this machine, whoever has started it."""
    if _is_controller(job):
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGINT)


def _is_controller(job: Any) -> bool:
    """Whether the process of this number is still the one that submitit has started for a job."""
    try:
        command = Path(f"/proc/{job.job_id}/cmdline").read_bytes()
    except OSError:
        return False
    return b"submitit" in command and str(job.paths.folder).encode() in command


def _remove(folder: Path, *, keep_jobs: bool) -> None:
    """Remove what the jobs have read, and what they have printed unless it is asked for."""
    shutil.rmtree(folder / "inputs" if keep_jobs else folder, ignore_errors=True)
    if not keep_jobs:
        with suppress(OSError):
            folder.parent.rmdir()  # unless there is something else in it


def _import_submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise ExtraMissing(
            "train: the engine slurm needs the package submitit, which is not installed. It comes "
            "with the extra 'cluster'. Install it with `pip install 'learnorder[cluster]'`."
        ) from error
    return submitit
