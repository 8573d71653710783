"""Run operations in fresh processes, in turn, so that none gains from its place or its memory.

Only the standard library here: the memory of this process would count as that of its children.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of ``ru_maxrss``."""


@dataclass(frozen=True)
class Outcome:
    """What a process answered, how long it lived, and the most memory it had."""

    seconds: float
    peak_bytes: int
    answer: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]


def run_operation(name: str, *, one_core: bool = False, **arguments: Any) -> Outcome:
    """Run ``MODULE:FUNCTION`` of this folder; its returned dict is the answer."""
    order = json.dumps({"name": name, "one_core": one_core, "arguments": arguments}, default=str)
    return run_command([sys.executable, "-m", "benchmarks.operations", order], answers=True)


def run_command(command: list[str], *, answers: bool = False) -> Outcome:
    """Run a command; with ``answers`` the last line it prints is JSON."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode:
            said = stderr.read().decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(command)[:300]}: status {process.returncode}\n{said}")
        answer = json.loads(stdout.read().splitlines()[-1]) if answers else {}
    return Outcome(seconds, usage.ru_maxrss * MAXRSS_BYTES, answer)


def in_turn(
    operations: Mapping[str, Callable[[], Outcome]], repeats: int
) -> dict[str, list[Outcome]]:
    """Run all operations one after the other, and that several times."""
    found: dict[str, list[Outcome]] = {name: [] for name in operations}
    for repeat in range(repeats):
        for name, operation in operations.items():
            print(f"  {repeat + 1}/{repeats} {name}", file=sys.stderr, flush=True)
            found[name].append(operation())
    return found


def measure_command(log: Path) -> Outcome:
    """Run ``learnorder measure LOG --json``, as a user would."""
    return run_command([sys.executable, "-m", "learnorder", "measure", str(log), "--json"])


def size_on_disk(folder: Path) -> tuple[int, int]:
    """Bytes of all files of a folder, and bytes of the disk blocks they take."""
    found = [p.stat() for p in folder.rglob("*") if p.is_file()]
    return sum(s.st_size for s in found), sum(s.st_blocks for s in found) * 512
