"""Workers that a scheduler has: chunks are submitted, retried a few times, and watched in the log.

A scheduler carries texts and knows nothing of replicates; all state is in the log. So whatever ends
a chunk, the next one that gets its seeds goes on where they stand.
"""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from learnorder.collection.engines.chunk import Chunk, Lost, Outcome
from learnorder.collection.engines.code import code_of
from learnorder.collection.engines.contract import MAX_DEATHS, Event, Work
from learnorder.collection.engines.watch import Watch
from learnorder.collection.processes import import_path
from learnorder.errors import LearnOrderError
from learnorder.log import layout
from learnorder.log.claim import drop_claim
from learnorder.log.location import address, from_address
from learnorder.training.execution import Execution

POLL_SECONDS = 0.5
"""How long to wait for a chunk before looking at the log again."""


class Scheduler(Protocol):
    """Carries chunks to nodes."""

    def submit(self, chunks: Sequence[str]) -> list[Hashable]:
        """Queue these, each with the resources that were asked for; return a handle for each."""

    def wait(self, seconds: float) -> list[tuple[Hashable, str | Lost]]:
        """Wait so long at most for chunks to end; return those that have, with their outcome."""

    def cancel(self) -> None:
        """End all that were submitted and have not ended."""


class ClusterWorkers:
    """Workers of a scheduler; see `Workers`.

    Parameters
    ----------
    scheduler
        Carries the chunks.
    chunk
        What is the same for all chunks.
    n_workers
        How many groups are trained at once, as far as is known.
    note
        A line for the user before anything is tried.
    """

    def __init__(
        self, scheduler: Scheduler, chunk: Chunk, n_workers: int, note: str | None = None
    ) -> None:
        self.n_workers = n_workers
        self._note = note
        self._scheduler, self._chunk = scheduler, chunk
        self._waiting: deque[list[list[int]]] = deque()
        self._under_way: dict[Hashable, list[list[int]]] = {}
        self._deaths: Counter[int] = Counter()
        self._stood: dict[int, int] = {}
        self._watch: Watch

    def probe(
        self, kept: Execution | None, tell: Callable[[str], None]
    ) -> tuple[Execution, tuple[float, int]]:
        """Try one group for a moment on a node; see `Workers`."""
        asked = replace(self._chunk, job="probe", execution=kept.to_json() if kept else None)
        reason = ""
        if self._note:
            tell(self._note)
        for _ in range(MAX_DEATHS):
            outcome = self._probed(asked.to_text())
            if isinstance(outcome, Lost):
                reason = outcome.reason
                tell(f"the probe: {reason} It is tried again.")
                continue
            for line in self._told(outcome):
                tell(line)
            if outcome.refused is not None or outcome.execution is None:
                raise LearnOrderError(outcome.refused or "train: the probe found nothing.")
            found = Execution.from_json(outcome.execution)
            return found, (outcome.seconds, outcome.memory)
        raise LearnOrderError(f"train: the probe failed {MAX_DEATHS} times: {reason}")

    def _probed(self, text: str) -> Outcome | Lost:
        self._scheduler.submit([text])
        while not (ended := self._scheduler.wait(POLL_SECONDS)):
            pass
        ((_, found),) = ended
        return found if isinstance(found, Lost) else Outcome.from_text(found)

    def begin(self, log: Path, execution: Execution, *, take_over: bool) -> None:
        """Settle into which log, and how, the seeds submitted from now on are trained."""
        self._chunk = replace(
            self._chunk,
            log=address(log),
            execution=execution.to_json(),
            claim={**self._chunk.claim, "take_over": take_over},
        )
        self._watch = Watch(log)
        self._deaths.clear()

    def submit(self, seeds: Sequence[int]) -> None:
        """Have a group of seeds trained side by side, each from where it stands in the log."""
        self._watch.begin(seeds)
        self._waiting.append([list(seeds)])

    def wait(self) -> list[Event]:
        """Wait for what happens next; an empty list when each seed is finished or failed."""
        news: list[Event] = []
        while not news and (self._waiting or self._under_way):
            self._send()
            for handle, found in self._scheduler.wait(POLL_SECONDS):
                groups = self._under_way.pop(handle)
                news += self._lost(groups, found) if isinstance(found, Lost) else []
                news += self._ended(groups, found) if isinstance(found, str) else []
            seeds = (seed for groups in self._under_way.values() for g in groups for seed in g)
            news += self._watch.news_if_due(seeds)
        return news

    def _send(self) -> None:
        """Submit what waits, all at once: it may become one array of jobs."""
        if not self._waiting:
            return
        chunks = self._per_chunk()
        for groups in chunks:
            self._stood |= {s: self._watch.count(s) for group in groups for s in group}
        texts = [self._chunk.of(groups).to_text() for groups in chunks]
        self._under_way |= dict(zip(self._scheduler.submit(texts), chunks, strict=True))

    def _per_chunk(self) -> list[list[list[int]]]:
        """What waits, in chunks of as many groups as a node has workers; retries stay alone."""
        chunks: list[list[list[int]]] = []
        while self._waiting:
            groups = self._waiting.popleft()
            again = any(self._deaths[seed] for group in groups for seed in group)
            room = chunks and len(chunks[-1]) < self._chunk.n_workers
            if room and not again and not any(self._deaths[s] for g in chunks[-1] for s in g):
                chunks[-1] += groups
            else:
                chunks.append(groups)
        return chunks

    def _ended(self, groups: Sequence[Sequence[int]], text: str) -> list[Event]:
        """What a node says of its seeds."""
        outcome = Outcome.from_text(text)
        if outcome.refused is not None:
            # it would refuse all that is left within seconds, while other nodes train
            raise LearnOrderError(outcome.refused)
        news = [Event("told", -1, line) for line in self._told(outcome)]
        for seed in (seed for group in groups for seed in group):
            news += self._watch.news(seed)
            reason = outcome.failed.get(seed)
            news.append(
                Event("finished", seed) if reason is None else Event("failed", seed, reason)
            )
        return news

    def _lost(self, groups: Sequence[Sequence[int]], lost: Lost) -> list[Event]:
        """What becomes of the seeds of a lost chunk: they go on, each group by itself.

        One that has got further in the meantime has another try: it may be longer than the time
        that a job is given.
        """
        news: list[Event] = []
        for group in groups:
            again = []
            for seed in group:
                news += self._watch.news(seed)
                if self._watch.count(seed) > self._stood[seed]:
                    self._deaths[seed] = 0
                self._deaths[seed] += 1
                if self._deaths[seed] < MAX_DEATHS:
                    again.append(seed)
                    news.append(Event("retried", seed, lost.reason))
                else:
                    self._release([seed])
                    times = f"{MAX_DEATHS} times without a new epoch: "
                    news.append(Event("failed", seed, f"{times}{lost.reason}"))
            if again:
                self._waiting.append([again])
        return news

    def end(self) -> None:
        """End what is under way, and release what it may have left claimed without locks."""
        self._scheduler.cancel()
        self._release([s for groups in self._under_way.values() for g in groups for s in g])

    def _release(self, seeds: Sequence[int]) -> None:
        for seed in seeds:
            with suppress(OSError):
                claim = layout.claim_file(from_address(self._chunk.log), seed)
                drop_claim(claim, str(self._chunk.claim["token"]))

    @staticmethod
    def _told(outcome: Outcome) -> list[str]:
        """Lines for the user: where data was sent, and what a node had to say."""
        sent = [f"data sent to node {outcome.node}"] if outcome.fetched else []
        return [*outcome.said, *sent]


def chunk_of(work: Work, inputs: dict[str, Any], n_workers: int = 1) -> Chunk:
    """What is the same for all chunks of a `Work`."""
    code = code_of(work.spec)
    return Chunk(
        job="train",
        spec=work.spec.resolved(),
        identity=work.identity,
        code=code,
        inputs={"digest": f"{work.identity}-{code['source']}", **inputs},
        paths=import_path(),
        n_workers=n_workers,
        claim={"token": uuid.uuid4().hex},
    )
