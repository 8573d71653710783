"""The benchmark of the report runs, and says of each goal whether it is met."""

from __future__ import annotations

import json
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from benchmarks import bench, reporting
from benchmarks.processes import Outcome
from benchmarks.sizes import Size
from click.testing import CliRunner

from learnorder.cli import main

pytest.importorskip("playwright")


def here(*arguments: object) -> Outcome:
    """Run a command in this process, which saves its start."""
    start = time.perf_counter()
    done = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return Outcome(time.perf_counter() - start, 1 << 20)


def in_this_process(name: str, **arguments: object) -> Outcome:
    """Do what the benchmark lets a fresh process do, which takes a second to start."""
    module, function = name.split(":")
    given = json.loads(json.dumps(arguments, default=str))
    start = time.perf_counter()
    answer = getattr(import_module(f"benchmarks.{module}"), function)(**given)
    return Outcome(time.perf_counter() - start, 1 << 20, answer)


@pytest.mark.browser
@pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")),
    reason="no Chromium is installed",
)
def test_both_sections_run_in_their_quick_form(tmp_path: Path, monkeypatch) -> None:
    sizes = Size(3, 3, 300, 10), Size(3, 3, 900, 10)
    monkeypatch.setattr(reporting, "SMALL", sizes)
    monkeypatch.setattr(reporting, "PAINTS", 1)
    monkeypatch.setattr(
        reporting, "report_command", lambda log, out: here("report", log, "--out", out)
    )
    monkeypatch.setattr(reporting, "measure_command", lambda log: here("measure", log, "--json"))
    for module in (bench, reporting):
        monkeypatch.setattr(module, "run_operation", in_this_process)
    results, scratch = tmp_path / "RESULTS.md", tmp_path / "scratch"
    order = ["--quick", "--write", "--results", results, "--scratch", scratch]
    monkeypatch.setattr(sys, "argv", ["bench-report", *map(str, order)])
    reporting.main()
    written = results.read_text()
    assert "<!-- report -->" in written
    assert "<!-- report-paint -->" in written
    assert f"{sizes[1]}: file" in written
    assert f"{sizes[1]}: times that of the smallest" in written
    assert list(scratch.iterdir()) == []


def test_a_log_is_written_once_for_all_sections(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(bench, "run_operation", in_this_process)
    made = bench.Bench(bench.QUICK, 1, tmp_path)
    size = Size(2, 2, 100, 10)
    assert made.log(size, bench.COMPACTED) == made.log(size, bench.COMPACTED)
    assert reporting.page_of(tmp_path, size).name == "2x2x100.html"
