"""Worker processes: one thread each, one group of replicates at a time, dying with their parent."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from learnorder.collection.processes import NOT_TOLD, Process, seconds_until_loaded, start_worker
from learnorder.errors import LearnOrderError, count_of
from learnorder.log import layout
from learnorder.log.claim import drop_claim
from learnorder.log.location import address
from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec

MAX_DEATHS = 3
"""How often a worker may die over one replicate before the replicate counts as failed."""

NO_MEMORY = 77
"""Exit status of a worker that ran out of memory."""

LESS = "Use a smaller training.batch_size, network or dataset, or a machine with more memory."
"""What helps where one worker alone needs more memory than there is."""


@dataclass(frozen=True)
class PoolEvent:
    """Something happened to a replicate; ``fewer`` workers go on where memory ran out."""

    kind: Literal["recorded", "finished", "failed", "retried", "fewer"]
    seed: int
    reason: str = ""


@dataclass
class _Worker:
    number: int
    process: Process
    errors: Path
    seeds: list[int] = field(default_factory=list)
    """Replicates it was given that are neither finished nor failed."""
    is_busy: bool = False
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

    @property
    def was_killed(self) -> bool:
        """Whether it was killed, which the system does when memory runs out, and others may do."""
        return self.process.wait() == -signal.SIGKILL

    @property
    def said_no_memory(self) -> bool:
        """Whether it ended itself for lack of memory."""
        return self.process.wait() == NO_MEMORY

    def last_words(self) -> str:
        """Say how the process ended, with its last line if it left one."""
        if self.was_killed:
            return "was killed (signal 9); the usual reason is that memory ran out."
        code = self.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if code == NOT_TOLD:
            how = "an exit status that was lost with the process it was forked from"
        hint = " for lack of memory" if self.said_no_memory else ""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        last = f": {lines[-1].rstrip('.')}" if lines else ""
        return f"ended with {how}{hint}{last}."

    def advice(self) -> str:
        """Say what to do if another worker would end like it."""
        if self.was_killed:
            return f" If so: {LESS}"
        return f" One worker alone needs more memory than there is. {LESS}" * self.said_no_memory


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
        self.n_workers = n_workers
        """How many there are, or can be again: fewer than at first where memory ran out."""
        self.waited_seconds = seconds_until_loaded()
        """Spent until libraries were loaded that later pools find loaded."""
        self._workers: list[_Worker] = []
        for _ in range(n_workers):
            self._start()

    def _start(self) -> _Worker:
        self._started += 1
        errors = self._scratch / f"worker-{self._started}.err"
        worker = _Worker(self._started, start_worker(self._scratch, errors), errors)
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

    def probe(
        self, kept: Execution | None, tell: Callable[[str], None]
    ) -> tuple[Execution, tuple[float, int]]:
        """Measure one group for a moment: seconds it will take, bytes of memory of a worker.

        Parameters
        ----------
        kept
            How the log is trained already; without it that is settled here.
        tell
            Told of workers that end meanwhile, which is no reason to give up.

        Raises
        ------
        LearnOrderError
            The network cannot be trained; nothing has been written yet.
        """
        prober = self._workers[0]
        prober.send({"job": "probe", "execution": kept.to_json() if kept else None})
        while True:
            worker, event = self._events.get()
            match event["event"]:
                case "cost":
                    execution = Execution.from_json(event["execution"])
                    return execution, (float(event["seconds"]), int(event["memory"]))
                case "refused":
                    raise LearnOrderError(str(event["reason"]))
                case "ended" if worker is prober:
                    words = f"its worker process {worker.last_words()}{worker.advice()}"
                    raise LearnOrderError(f"train: the probe failed: {words}")
                case "ended":
                    fewer = self._remove(worker) or "It is replaced."
                    tell(f"a worker process {worker.last_words()} {fewer}")

    def train(
        self,
        log: Path,
        groups: Sequence[Sequence[int]],
        execution: Execution,
        on_event: Callable[[PoolEvent], None],
        *,
        take_over: bool = False,
    ) -> None:
        """Train groups of seeds into the log; returns when each seed is finished or failed."""
        claim = {"token": self._token, "take_over": take_over}
        job = {"job": "train", "log": address(log), "execution": execution.to_json(), **claim}
        self._log = log
        waiting = deque([list(group) for group in groups])
        deaths: Counter[int] = Counter()
        while waiting or any(worker.seeds for worker in self._workers):
            self._hand_out(job, waiting)
            worker, event = self._events.get()
            match event["event"]:
                case "ended":
                    for news in self._bury(worker, deaths, waiting):
                        on_event(news)
                case "idle" | "refused":
                    for seed in worker.seeds:
                        on_event(PoolEvent("failed", seed, event.get("reason", "")))
                    worker.seeds, worker.is_busy = [], False
                case kind:
                    if kind != "recorded":
                        worker.seeds.remove(event["seed"])
                    on_event(PoolEvent(kind, event["seed"], event["reason"]))

    def _hand_out(self, job: dict[str, Any], waiting: deque[list[int]]) -> None:
        """Give every idle worker a group; replace dead workers while there is work."""
        idle = [w for w in self._workers if not w.is_busy]
        while len(idle) < len(waiting) and len(self._workers) < self.n_workers:
            idle.append(self._start())
        for worker in idle[: min(len(waiting), self.n_workers)]:
            worker.seeds, worker.is_busy = waiting.popleft(), True
            worker.send({**job, "seeds": worker.seeds})

    def _bury(
        self, worker: _Worker, deaths: Counter[int], waiting: deque[list[int]]
    ) -> Iterator[PoolEvent]:
        """Say what becomes of the group of a dead worker: it goes on, unless too many died."""
        reason = f"its worker process {worker.last_words()}"
        if fewer := self._remove(worker):
            yield PoolEvent("fewer", -1, fewer)
        else:
            deaths.update(worker.seeds)
        for seed in worker.seeds:
            if deaths[seed] < MAX_DEATHS:
                yield PoolEvent("retried", seed, reason)
            else:
                yield PoolEvent("failed", seed, f"{deaths[seed]} times {reason}{worker.advice()}")
        again = [seed for seed in worker.seeds if deaths[seed] < MAX_DEATHS]
        if again:
            waiting.appendleft(again)

    def _remove(self, worker: _Worker) -> str | None:
        """Do without a worker that has ended, and with one less if memory is short: then say so."""
        worker.close()
        self._workers.remove(worker)
        self._release_claims(worker)
        if self.n_workers == 1 or not (worker.was_killed or worker.said_no_memory):
            return None
        self.n_workers -= 1
        what = "Memory may have run out" if worker.was_killed else "Memory ran out"
        return f"{what}; from here on {count_of(self.n_workers, 'worker')} at a time."

    def kill(self) -> None:
        """End the workers from another thread; whoever waits for them is told that they ended."""
        for worker in list(self._workers):
            worker.process.kill()

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
            self._release_claims(worker)

    def _release_claims(self, worker: _Worker) -> None:
        """Release what a worker that has ended may have left claimed where there are no locks."""
        if self._log is None:
            return
        for seed in worker.seeds:
            with contextlib.suppress(OSError):
                drop_claim(layout.claim_file(self._log, seed), self._token)
