"""What was acknowledged survives a power cut, on file systems that do no more than they must."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from faulty_system import FaultySystem
from log_operations import OPERATIONS
from power_cut import PowerCut, PowerLost
from tally import part
from trials import draw, fresh, look, repeat, try_each

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="needs /proc to see what is fsynced"
)

WRITING = [o for o in OPERATIONS if o.name not in ("read", "verify")]


@pytest.fixture(params=WRITING, ids=str, scope="module")
def prepared(request, memory_folder):
    """Return an operation, what lies there before it, and what of that is acknowledged."""
    folder, acknowledged = memory_folder(), []
    request.param.prepare(folder, lambda *pair: acknowledged.append(pair))
    return request.param, folder, acknowledged


@pytest.mark.parametrize("names_at_once", [True, False], ids=["names at once", "names when synced"])
def test_power_cut_at_any_file_operation_keeps_what_was_acknowledged(
    prepared, memory_path, names_at_once
):
    operation, before, earlier = prepared

    def disturb(at, acknowledged):
        folder = fresh(before, memory_path / f"cut at {at}")
        survivor = memory_path / f"after {at}"
        cut = PowerCut(folder, survivor, names_at_once=names_at_once)
        with FaultySystem(folder, cut, at=at) as system, suppress(PowerLost):
            operation.act(folder, lambda *pair: acknowledged.append(pair))
        if not survivor.exists():
            cut.happen()  # right after the last acknowledgement
        shutil.rmtree(folder)
        return survivor, system

    def trial(counts, step):
        acknowledged = list(earlier)
        survivor, _ = disturb(step, acknowledged)
        what = f"{operation}, power cut at step {step}"
        counts.faults += 1
        counts.acknowledged += len(acknowledged) - len(earlier)
        look(counts, operation, survivor, acknowledged, what)
        repeat(counts, operation, survivor, what)

    _, system = disturb(1 << 60, [])
    with part(f"power cuts: {operation}") as counts:
        try_each(counts, draw(range(1, system.count + 2)), trial)
