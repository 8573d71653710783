"""How far replicates are that are trained elsewhere: their commit records say it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from learnorder.collection.engines.contract import Event
from learnorder.errors import LogDamaged
from learnorder.log import layout
from learnorder.log.attempt import committed_attempt

INTERVAL_SECONDS = 1.0
"""Between two looks at the log."""

SHARE_OF_TIME = 0.05
"""Of the time of this process that looking takes at most, however many replicates there are."""


class Watch:
    """Counts committed epochs of the replicates of a log.

    Parameters
    ----------
    log
        The log, which exists.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._lanes = list(layout.read_header(log).lanes)
        self._seen: dict[int, int] = {}
        self._due = time.monotonic() + INTERVAL_SECONDS

    def begin(self, seeds: Iterable[int]) -> None:
        """Take what these have now as known."""
        self._seen |= {seed: self._count(seed) for seed in seeds}

    def news_if_due(self, seeds: Iterable[int]) -> list[Event]:
        """Say which epochs are new since the last look, if that was long enough ago."""
        started = time.monotonic()
        if started < self._due:
            return []
        found = [event for seed in seeds for event in self.news(seed)]
        now = time.monotonic()
        self._due = now + max(INTERVAL_SECONDS, (now - started) / SHARE_OF_TIME)
        return found

    def news(self, seed: int) -> Iterator[Event]:
        """Say which epochs of a replicate are new since the last look."""
        count = self._count(seed)
        for _ in range(count - self._seen[seed]):
            yield Event("recorded", seed)
        self._seen[seed] = max(count, self._seen[seed])

    def count(self, seed: int) -> int:
        """How many epochs of a replicate were seen."""
        return self._seen[seed]

    def _count(self, seed: int) -> int:
        try:
            attempt = committed_attempt(self._log, seed)
            if attempt is None:
                return 0
            return min(attempt.count_committed(lane) for lane in self._lanes)
        except (LogDamaged, OSError):
            return self._seen.get(seed, 0)  # whoever trains it says what is wrong
