"""Whatever operation dies or fails at whichever file operation, what was acknowledged stays."""

from __future__ import annotations

import errno
import signal

import pytest
from faulty_system import FAULTS, KILLS, FaultySystem, ShortWrites
from forks import fork
from log_operations import OPERATIONS
from promises import Findings
from tally import LONG, Counts, part
from trials import check_done, draw, fresh, look, repeat, try_each

from learnorder.errors import LearnOrderError

TRIED_KILLS = KILLS if LONG else KILLS[1:]
TRIED_FAULTS = FAULTS if LONG else FAULTS[:1]


@pytest.fixture(params=OPERATIONS, ids=str, scope="module")
def prepared(request, memory_folder):
    """Return an operation, what lies there before it, what of that is acknowledged, its length."""
    folder = memory_folder()
    acknowledged: list[tuple[int, int]] = []
    operation = request.param
    operation.prepare(folder, lambda *pair: acknowledged.append(pair))
    return operation, folder, acknowledged


def steps(prepared, folder, fault):
    """Numbers of the file operations to try: all that the fault asks for, or a few of them."""
    operation, before, _ = prepared
    with FaultySystem(fresh(before, folder), fault, at=1 << 60) as system:
        operation.act(folder, lambda *_: None)
    return draw(range(1, system.count + 1, fault.stride))


@pytest.mark.parametrize("kill", TRIED_KILLS, ids=lambda k: k.name)
def test_killed_at_any_file_operation_keeps_what_was_acknowledged(prepared, memory_path, kill):
    operation, before, earlier = prepared

    def trial(counts, step):
        folder = fresh(before, memory_path / f"killed at {step}")

        def act(acknowledge):
            with FaultySystem(folder, kill, at=step):
                operation.act(folder, acknowledge)

        child = fork(act)
        code = child.wait()
        assert code in (0, -signal.SIGKILL)  # 0: it had fewer steps than the first
        counts.kills += code != 0
        counts.acknowledged += len(child.acknowledged)
        what = f"{operation}, {kill.name} step {step}"
        look(counts, operation, folder, earlier + child.acknowledged, what)
        repeat(counts, operation, folder, what)

    with part(f"kills at every step: {operation}") as counts:
        try_each(counts, steps(prepared, memory_path / "undisturbed", kill), trial)
        assert counts.kills


@pytest.mark.parametrize("fault", TRIED_FAULTS, ids=lambda f: f.name)
def test_failing_at_any_file_operation_keeps_what_was_acknowledged(prepared, memory_path, fault):
    operation, before, earlier = prepared

    def trial(counts, step):
        folder = fresh(before, memory_path / f"failed at {step}")
        what, acknowledged = f"{operation}, {fault.name} at step {step}", list(earlier)
        try:
            with FaultySystem(folder, fault, at=step):
                operation.act(folder, lambda *pair: acknowledged.append(pair))
        except (OSError, LearnOrderError) as error:
            _check_error(counts, error, fault, what)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            counts.add(Findings(wrong=[f"no clear error but {words}"]), what)
        else:
            check_done(counts, operation, folder, what)
        counts.faults += 1
        counts.acknowledged += len(acknowledged) - len(earlier)
        look(counts, operation, folder, acknowledged, what)
        repeat(counts, operation, folder, what)

    with part(f"faults at every step: {operation}") as counts:
        try_each(counts, steps(prepared, memory_path / "undisturbed", fault), trial)


def _check_error(counts: Counts, error: Exception, fault, what: str) -> None:
    """One line; a full disk is called so; what the system does in parts is no error at all."""
    wrong = []
    if len(str(error).splitlines()) != 1:
        wrong.append(f"not one line: {error}")
    if isinstance(fault, ShortWrites):
        wrong.append(f"short writes ended it: {error}")
    if fault.code == errno.ENOSPC and "No space left" not in str(error):
        wrong.append(f"does not say that the disk is full: {error}")
    counts.add(Findings(wrong=wrong), what)
