"""The work of a node: a chunk of seeds, by worker processes that stay for the next chunk.

What runs this may be killed at any moment. Its worker processes end with it, and what they have
committed is in the log, where whoever gets the chunk next goes on.
"""

from __future__ import annotations

import atexit
import os
import platform
import sys
from contextlib import ExitStack
from pathlib import Path

from learnorder.collection.engines.chunk import Chunk, Outcome
from learnorder.collection.engines.code import code_of, refuse_other_code
from learnorder.collection.engines.contract import Event, train_groups
from learnorder.collection.engines.node_inputs import Fetch, inputs_on_node
from learnorder.collection.pool import Pool
from learnorder.collection.processes import ready_to_fork
from learnorder.collection.scratch import scratch_folder
from learnorder.errors import DataNotFound, LearnOrderError
from learnorder.log.location import from_address
from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec


def run_chunk(text: str, fetch: Fetch | None = None) -> str:
    """Do what a `Chunk` says and return its `Outcome`, both as JSON.

    Parameters
    ----------
    text
        The chunk.
    fetch
        Writes what the networks read into a folder, where it does not lie in a shared one.
    """
    chunk = Chunk.from_text(text)
    node = platform.node()
    try:
        return _run(chunk, fetch, node).to_text()
    except LearnOrderError as error:
        _kept.close()
        return Outcome(node, refused=str(error)).to_text()
    except BaseException:
        _kept.close()
        raise


def _run(chunk: Chunk, fetch: Fetch | None, node: str) -> Outcome:
    sys.path += [path for path in chunk.paths if path not in sys.path]
    spec = TrainingSpec.from_tables(chunk.spec)
    refuse_other_code(chunk.code, code_of(spec), node)
    fetched = _kept.prepare(chunk, spec, fetch)
    kept = Execution.from_json(chunk.execution) if chunk.execution else None
    said: list[str] = []
    if chunk.job == "probe" or kept is None:
        execution, (seconds, memory) = _kept.pool.probe(kept, said.append)
        return Outcome(
            node, fetched, said=said, execution=execution.to_json(), seconds=seconds, memory=memory
        )
    failed: dict[int, str] = {}

    def on_event(event: Event) -> None:
        if event.kind == "failed":
            failed[event.seed] = event.reason
        elif event.kind == "retried":
            said.append(f"replicate {event.seed}: {event.reason} It goes on from its last epoch.")
        elif event.kind == "fewer":
            said.append(f"node {node}: {event.reason}")

    take_over = bool(chunk.claim["take_over"])
    _kept.pool.begin(from_address(chunk.log), kept, take_over=take_over)
    train_groups(_kept.pool, chunk.groups, on_event)
    return Outcome(node, fetched, failed=failed, said=said)


class _Kept:
    """The worker processes of this process: loading libraries costs more than a short chunk."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._held = ExitStack()
        self.pool: Pool

    def prepare(self, chunk: Chunk, spec: TrainingSpec, fetch: Fetch | None) -> bool:
        """Have workers for a chunk; whether what they read had to be fetched."""
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        key = (chunk.identity, chunk.n_workers, chunk.claim.get("token"), devices)
        if key == self._key:
            return False
        self.close()
        with ExitStack() as held:
            # a worker that is forked from a server outlives the processes that Ray ends with this
            # one, for the moment it takes to clear what it used
            held.enter_context(ready_to_fork())
            folder, fetched = _inputs(chunk, fetch, held)
            scratch = held.enter_context(scratch_folder())
            (scratch / "inputs").symlink_to(folder)
            token = chunk.claim.get("token")
            self.pool = held.enter_context(
                Pool(spec, chunk.identity, scratch, chunk.n_workers, token)
            )
            self._held, self._key = held.pop_all(), key
        return fetched

    def close(self) -> None:
        """End the workers."""
        self._key = ()
        self._held.close()


def _inputs(chunk: Chunk, fetch: Fetch | None, held: ExitStack) -> tuple[Path, bool]:
    """Folder of what the networks read, and whether it was fetched."""
    if fetch is not None:
        return held.enter_context(inputs_on_node(str(chunk.inputs["digest"]), fetch))
    folder = Path(str(chunk.inputs["folder"]))
    if not folder.is_dir():
        raise DataNotFound(
            f"train: node {platform.node()} does not see {folder}, where training was begun. What "
            "the networks read lies there. Name a folder that all nodes share with --shared."
        )
    return folder, False


_kept = _Kept()
atexit.register(_kept.close)
