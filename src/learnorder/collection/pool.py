"""Worker processes: one thread each, one replicate at a time, dying with their parent."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from learnorder.errors import LearnOrderError
from learnorder.log import layout
from learnorder.log.claim import drop_claim
from learnorder.log.location import address
from learnorder.training.spec import TrainingSpec

MAX_DEATHS = 3
"""How often a worker may die over one replicate before the replicate counts as failed."""

ENVIRONMENT = {
    # one thread per process: the promise of equal bytes, and the fastest use of the cores
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # keep freed activations instead of giving them back to the system after every step
    "MALLOC_MMAP_THRESHOLD_": str(8 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class PoolEvent:
    """Something happened to a replicate."""

    kind: Literal["recorded", "finished", "failed", "retried"]
    seed: int
    reason: str = ""


@dataclass
class _Worker:
    number: int
    process: subprocess.Popen[str]
    errors: Path
    seed: int | None = None
    thread: threading.Thread = field(init=False)

    def send(self, job: dict[str, Any]) -> None:
        if self.process.stdin is None:
            return
        # if it died, its end is reported as an event of its own
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """Wait for its end and give its pipes back."""
        self.process.wait()
        self.thread.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def last_words(self) -> str:
        """Say how the process ended, with its last line if it left one."""
        code = self.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        hint = ", perhaps for lack of memory" if code == -signal.SIGKILL else ""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return f"its worker process ended with {how}{hint}{': ' + lines[-1] if lines else ''}."


class Pool:
    """A fixed number of worker processes for one spec and one set of prepared inputs.

    Parameters
    ----------
    spec
        What they train.
    identity
        Of the log they write; they refuse another one.
    scratch
        Folder with the network inputs, shared read-only between workers.
    n_workers
        How many.
    """

    def __init__(self, spec: TrainingSpec, identity: str, scratch: Path, n_workers: int) -> None:
        self._scratch = scratch
        self._events: queue.Queue[tuple[_Worker, dict[str, Any]]] = queue.Queue()
        self._started = 0
        # where there are no locks, a worker's claim outlives it; by this name it is known as ours
        self._token = uuid.uuid4().hex
        self._log: Path | None = None
        task = {"spec": spec.resolved(), "identity": identity}
        (scratch / "task.json").write_text(json.dumps(task))
        self._n_workers = n_workers
        self._workers: list[_Worker] = []
        for _ in range(n_workers):
            self._start()

    def _start(self) -> _Worker:
        self._started += 1
        errors = self._scratch / f"worker-{self._started}.err"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                # -P: nothing in the current folder takes the place of a module of that name
                [sys.executable, "-P", "-m", "learnorder.collection.worker", str(self._scratch)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(_import_path())},
                # Ctrl-C reaches the parent alone, which then ends the workers in order
                start_new_session=True,
            )
        worker = _Worker(self._started, process, errors)
        worker.thread = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        worker.thread.start()
        self._workers.append(worker)
        return worker

    def _listen(self, worker: _Worker) -> None:
        if worker.process.stdout is not None:
            # it may be killed in the middle of a line
            with contextlib.suppress(ValueError):
                for line in worker.process.stdout:
                    self._events.put((worker, json.loads(line)))
        self._events.put((worker, {"event": "ended"}))

    def probe(self) -> tuple[float, int]:
        """Measure one replicate for a moment: seconds it will take, bytes of memory of a worker.

        Raises
        ------
        LearnOrderError
            The network cannot be trained; nothing has been written yet.
        """
        self._workers[0].send({"job": "probe"})
        while True:
            worker, event = self._events.get()
            match event["event"]:
                case "cost":
                    return float(event["seconds"]), int(event["memory"])
                case "failed":
                    raise LearnOrderError(str(event["reason"]))
                case "ended":
                    raise LearnOrderError(f"train: the probe failed: {worker.last_words()}")

    def train(
        self,
        log: Path,
        seeds: Sequence[int],
        on_event: Callable[[PoolEvent], None],
        *,
        take_over: bool = False,
    ) -> None:
        """Train the seeds into the log; returns when each is finished or failed."""
        job = {"job": "train", "log": address(log), "token": self._token, "take_over": take_over}
        self._log = log
        waiting, still_open = deque(seeds), set(seeds)
        deaths: Counter[int] = Counter()
        while still_open:
            self._hand_out(job, waiting)
            worker, event = self._events.get()
            if event["event"] == "ended":
                news = self._bury(worker, deaths)
            else:
                news = PoolEvent(event["event"], event["seed"], event.get("reason", ""))
            if news is None:
                continue
            if news.kind == "retried":
                waiting.appendleft(news.seed)
            elif news.kind != "recorded":
                worker.seed = None
                still_open.discard(news.seed)
            on_event(news)

    def _hand_out(self, job: dict[str, Any], waiting: deque[int]) -> None:
        """Give every idle worker a replicate; replace dead workers while there is work."""
        idle = [w for w in self._workers if w.seed is None]
        while len(idle) < len(waiting) and len(self._workers) < self._n_workers:
            idle.append(self._start())
        for worker in idle[: len(waiting)]:
            worker.seed = waiting.popleft()
            worker.send({**job, "seed": worker.seed})

    def _bury(self, worker: _Worker, deaths: Counter[int]) -> PoolEvent | None:
        """Say what becomes of the replicate of a dead worker: it goes on, unless too many died."""
        reason = worker.last_words()
        worker.close()
        self._workers.remove(worker)
        self._release_claim(worker)
        seed = worker.seed
        if seed is None:
            return None
        deaths[seed] += 1
        if deaths[seed] < MAX_DEATHS:
            return PoolEvent("retried", seed, reason)
        return PoolEvent("failed", seed, f"{deaths[seed]} times {reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        for worker in self._workers:
            if error is not None:
                worker.process.kill()  # safe at any moment: only whole epochs count
            elif worker.process.stdin is not None:
                worker.process.stdin.close()
        for worker in self._workers:
            worker.close()
            self._release_claim(worker)

    def _release_claim(self, worker: _Worker) -> None:
        """Release what a worker that has ended may have left claimed where there are no locks."""
        if self._log is not None and worker.seed is not None:
            with contextlib.suppress(OSError):
                drop_claim(layout.claim_file(self._log, worker.seed), self._token)


def _import_path() -> list[str]:
    """Make import strings in a spec mean the same in a worker as here."""
    return [str(Path(entry or ".").resolve()) for entry in sys.path]
