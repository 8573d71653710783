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
from typing import Any, Self

from learnorder.collection.engines.contract import MAX_DEATHS, Event
from learnorder.collection.processes import NOT_TOLD, Process, seconds_until_loaded, start_worker
from learnorder.errors import LearnOrderError, count_of
from learnorder.log import layout
from learnorder.log.claim import drop_claim
from learnorder.log.location import address
from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec

NO_MEMORY = 77
"""Exit status of a worker that ran out of memory."""

LESS = "Use a smaller training.batch_size, network or dataset, or a machine with more memory."
"""What helps where one worker alone needs more memory than there is."""


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
    token
        Whose the claims of the workers are where there are no locks; without it, a new one. Where
        they outlive a worker, they are known as ours by it.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        identity: str,
        scratch: Path,
        n_workers: int,
        token: str | None = None,
    ) -> None:
        self._scratch = scratch
        self._events: queue.Queue[tuple[_Worker, dict[str, Any]]] = queue.Queue()
        self._started = 0
        self._token = token or uuid.uuid4().hex
        self._log: Path | None = None
        self._job: dict[str, Any] = {}
        self._waiting: deque[list[int]] = deque()
        self._deaths: Counter[int] = Counter()
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

    def begin(self, log: Path, execution: Execution, *, take_over: bool = False) -> None:
        """Settle into which log, and how, the seeds submitted from now on are trained."""
        claim = {"token": self._token, "take_over": take_over}
        self._job = {
            "job": "train", "log": address(log), "execution": execution.to_json(), **claim
        }  # fmt: skip
        self._log = log
        self._deaths.clear()

    def submit(self, seeds: Sequence[int]) -> None:
        """Have a group of seeds trained side by side, each from where it stands in the log."""
        self._waiting.append(list(seeds))

    def wait(self) -> list[Event]:
        """Wait for what happens next; an empty list when each seed is finished or failed."""
        news: list[Event] = []
        while not news and (self._waiting or any(worker.seeds for worker in self._workers)):
            self._hand_out()
            news = self._news_of(*self._events.get())
        return news

    def _news_of(self, worker: _Worker, event: dict[str, Any]) -> list[Event]:
        """What an event of a worker says of its replicates."""
        match event["event"]:
            case "ended":
                return list(self._bury(worker))
            case "idle" | "refused":
                left, worker.seeds, worker.is_busy = worker.seeds, [], False
                return [Event("failed", seed, event.get("reason", "")) for seed in left]
            case kind:
                if kind != "recorded":
                    worker.seeds.remove(event["seed"])
                return [Event(kind, event["seed"], event["reason"])]

    def _hand_out(self) -> None:
        """Give every idle worker a group; replace dead workers while there is work."""
        waiting = self._waiting
        idle = [w for w in self._workers if not w.is_busy]
        while len(idle) < len(waiting) and len(self._workers) < self.n_workers:
            idle.append(self._start())
        for worker in idle[: min(len(waiting), self.n_workers)]:
            worker.seeds, worker.is_busy = waiting.popleft(), True
            worker.send({**self._job, "seeds": worker.seeds})

    def _bury(self, worker: _Worker) -> Iterator[Event]:
        """Say what becomes of the group of a dead worker: it goes on, unless too many died."""
        reason, deaths = f"its worker process {worker.last_words()}", self._deaths
        if fewer := self._remove(worker):
            yield Event("fewer", -1, fewer)
        else:
            deaths.update(worker.seeds)
        for seed in worker.seeds:
            if deaths[seed] < MAX_DEATHS:
                yield Event("retried", seed, reason)
            else:
                yield Event("failed", seed, f"{deaths[seed]} times {reason}{worker.advice()}")
        again = [seed for seed in worker.seeds if deaths[seed] < MAX_DEATHS]
        if again:
            self._waiting.appendleft(again)

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
