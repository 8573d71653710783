"""The fault campaign: quick within the suite, whole with ``make test-faults``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tally


@pytest.fixture(scope="session")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in memory where there is one: a killed process leaves the same there.

    It saves the many thousand waits for the disk of trials that are not about its timing.
    """
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("memory")
        return
    folder = Path(tempfile.mkdtemp(prefix="learnorder-faults-", dir=shared))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def memory_folder(memory: Path):
    """Return a function that makes a new folder in memory."""
    return lambda: Path(tempfile.mkdtemp(dir=memory))


@pytest.fixture
def memory_path(memory_folder) -> Path:
    """Return a new folder in memory."""
    return memory_folder()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried and what was found."""
    if tally.LONG and tally.PARTS:
        terminalreporter.section("fault campaign")
        for line in tally.table():
            terminalreporter.write_line(line)
