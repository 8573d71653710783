"""What a worker is said to need is what training needs, whatever went before."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHILD = """
import numpy as np
from learnorder.training.cost import _forget_peak_memory, _peak_memory
before = _peak_memory()
np.ones(60_000_000).sum()
between = _peak_memory()
_forget_peak_memory()
print(before, between, _peak_memory())
"""


def peaks(held):
    """Peaks of a fresh process that is started by one that held so many bytes."""
    starter = (
        "import subprocess, sys\n"
        f"bytes_held = bytearray({held}); del bytes_held\n"
        f"subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", starter], capture_output=True, text=True, check=True
    )
    return [int(number) for number in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_peak_is_that_of_this_process_and_can_begin_anew():
    before, between, after = peaks(2 << 30)
    assert before < 1 << 30
    assert between - before > 400_000_000
    assert between - after > 400_000_000
