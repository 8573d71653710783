"""What becomes of chunks that are lost, refused or fail, by a scheduler with a script."""

from __future__ import annotations

from collections import deque
from itertools import count

import pytest
from tests.collection import here

from learnorder.collection.engines import cluster
from learnorder.collection.engines.chunk import Chunk, Lost, Outcome
from learnorder.collection.engines.cluster import ClusterWorkers
from learnorder.collection.engines.contract import train_groups
from learnorder.collection.prepare import prepare
from learnorder.errors import LearnOrderError
from learnorder.log.creation import create_log, plan_replicates
from learnorder.log.reader import open_log
from learnorder.training.execution import Execution

GONE = Lost("its node is gone.")


class Told:
    """A `Scheduler` that trains chunks in this process, unless its script says something else.

    ``script`` is asked what becomes of each chunk: an outcome, or None to have it trained.
    """

    def __init__(self, train, script=lambda chunk: None):
        self._train, self._script, self._numbers = train, script, count()
        self._queue, self.sent = deque(), []

    def submit(self, chunks):
        handles = [next(self._numbers) for _ in chunks]
        self._queue += zip(handles, map(Chunk.from_text, chunks), strict=True)
        return handles

    def wait(self, seconds):
        if not self._queue:
            return []
        handle, chunk = self._queue.popleft()
        self.sent.append(chunk.seeds)
        told = self._script(chunk)
        if told is None:
            self._train(chunk.seeds)
            told = Outcome("node")
        return [(handle, told if isinstance(told, Lost) else told.to_text())]

    def cancel(self):
        self._queue.clear()


@pytest.fixture
def begun(tmp_path, digits, make_spec, monkeypatch):
    """Return a function that makes workers of a scheduler on a new log, and what they train."""
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.0)
    spec, path = make_spec("linear", epochs=2, augmentation={}), tmp_path / "log.zarr"
    prepared = prepare(spec, digits)
    create_log(path, prepared.new_log(Execution.of(spec)))
    plan_replicates(path, range(4))

    def begin(script, n_workers=1, chunk=None):
        def train(seeds):
            here.train_here(path, spec, digits, seeds)

        scheduler = Told(train, script)
        template = chunk or Chunk(
            "train", spec.resolved(), prepared.identity, {}, {}, [], n_workers, claim={"token": "t"}
        )
        workers = ClusterWorkers(scheduler, template, 2)
        workers.begin(path, Execution.of(spec), take_over=False)
        return scheduler, workers

    return path, begin


def run(workers, groups):
    events = []
    train_groups(workers, groups, events.append)
    return events


def outcomes(events):
    ends = [e for e in events if e.kind in ("finished", "failed")]
    return {e.seed: e.reason if e.kind == "failed" else None for e in ends}


def test_what_is_finished_was_recorded_before(begun):
    path, begin = begun
    _, workers = begin(lambda chunk: None)
    events = run(workers, [[0], [1]])
    kinds = [(e.kind, e.seed) for e in events]
    assert kinds == [("recorded", 0)] * 2 + [("finished", 0)] + [("recorded", 1)] * 2 + [
        ("finished", 1)
    ]
    assert open_log(path)["test"].sizes["replicate"] == 2


def test_lost_chunk_is_sent_again_with_each_group_by_itself(begun):
    _, begin = begun
    lost = iter([GONE])
    scheduler, workers = begin(lambda chunk: next(lost, None), n_workers=2)
    events = run(workers, [[0], [1], [2], [3]])
    assert scheduler.sent == [[0, 1], [2, 3], [0], [1]]
    assert [e.reason for e in events if e.kind == "retried"] == [GONE.reason] * 2
    assert outcomes(events) == dict.fromkeys(range(4))


def test_replicate_that_is_always_lost_fails_with_the_reason_and_the_others_are_trained(begun):
    _, begin = begun
    scheduler, workers = begin(lambda chunk: GONE if 1 in chunk.seeds else None, n_workers=4)
    events = run(workers, [[0], [1], [2], [3]])
    assert outcomes(events) == {
        **dict.fromkeys((0, 2, 3)),
        1: "3 times without a new epoch: its node is gone.",
    }
    assert scheduler.sent.count([1]) == 2


def test_replicate_that_gets_further_each_time_is_not_given_up(
    begun, digits, make_spec, train_here
):
    path, begin = begun
    steps = iter([1, 2, 3, 4, 5])

    def script(chunk):
        epochs = next(steps, None)
        if epochs is None:
            return None
        train_here(path, make_spec("linear", epochs=epochs, augmentation={}), digits, [0])
        return GONE

    _, workers = begin(script)
    events = run(workers, [[0]])
    assert outcomes(events) == {0: None}
    assert sum(e.kind == "retried" for e in events) == 5


def test_a_node_that_refuses_ends_the_run_before_it_takes_all_that_is_left(begun):
    _, begin = begun
    refusal = Outcome("a", refused="train: node a runs other code.")
    scheduler, workers = begin(lambda chunk: refusal if chunk.seeds == [1] else None)
    with pytest.raises(LearnOrderError, match=r"node a runs other code\."):
        run(workers, [[0], [1], [2]])
    assert scheduler.sent == [[0], [1]]


def test_failure_on_a_node_is_told_by_seed(begun):
    _, begin = begun
    told = Outcome("b", failed={1: "train: RuntimeError: no."}, fetched=True, said=["line"])
    _, workers = begin(lambda chunk: told if chunk.seeds == [1] else None)
    events = run(workers, [[0], [1], [2]])
    assert outcomes(events) == {0: None, 1: "train: RuntimeError: no.", 2: None}
    assert [e.reason for e in events if e.kind == "told"] == ["line", "data sent to node b"]


def test_chunk_and_outcome_survive_their_texts():
    chunk = Chunk("train", {"a": 1}, "id", {}, {"folder": "f"}, ["p"], 2, groups=[[1, 2], [3]])
    assert Chunk.from_text(chunk.to_text()) == chunk
    assert chunk.of([[7]]).seeds == [7]
    outcome = Outcome("n", failed={3: "why"}, said=["x"], seconds=1.5)
    assert Outcome.from_text(outcome.to_text()) == outcome


def test_note_is_told_before_the_probe_and_a_lost_probe_is_tried_again(begun):
    _, begin = begun
    answers = iter([GONE, Outcome("n", execution=Execution().to_json(), seconds=2.0, memory=3)])
    scheduler, workers = begin(lambda chunk: next(answers))
    noted, told = ClusterWorkers(scheduler, workers._chunk, 1, "no node fits"), []
    assert noted.probe(None, told.append) == (Execution(), (2.0, 3))
    assert told == ["no node fits", "the probe: its node is gone. It is tried again."]


def test_probe_that_is_always_lost_or_refused_is_an_error(begun):
    _, begin = begun
    _, workers = begin(lambda chunk: GONE)
    with pytest.raises(LearnOrderError, match=r"the probe failed 3 times: its node is gone\."):
        workers.probe(None, lambda _: None)
    _, workers = begin(lambda chunk: Outcome("n", refused="train: no."))
    with pytest.raises(LearnOrderError, match=r"train: no\."):
        workers.probe(None, lambda _: None)
