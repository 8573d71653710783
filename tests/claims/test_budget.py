"""What finding out the cost took is counted without what is done once for all collections."""

from __future__ import annotations

import time
from threading import Event, Timer
from types import SimpleNamespace

import learnorder as lo
from learnorder.claims import budget
from learnorder.collection import processes
from learnorder.collection.processes import seconds_until_loaded


def collection(architecture: str) -> SimpleNamespace:
    tables = {"dataset": {"name": "digits"}, "architecture": {"name": architecture}}
    return SimpleNamespace(spec=lo.TrainingSpec.from_tables(tables), seeds=range(2))


def test_loading_libraries_is_no_part_of_starting_a_collection(tmp_path, monkeypatch):
    def estimate(spec, seeds, out, workers, begun):
        first = spec.architecture.name == "mlp"
        time.sleep(0.6 if first else 0.1)
        begun(SimpleNamespace(waited_seconds=0.5 if first else 0.0, kill=lambda: None))
        return SimpleNamespace(seconds=1.0)

    monkeypatch.setattr(budget, "estimate_cost", estimate)
    collections = {"a": collection("mlp"), "b": collection("linear"), "like a": collection("mlp")}
    found = budget.measure_budget(collections, lambda name: tmp_path / name, 1, lambda *_: None)
    assert all(0.1 <= seconds < 0.4 for seconds in found.start.values())
    assert found.start["a"] == found.start["like a"]


def test_libraries_are_waited_for_once(monkeypatch):
    loading = Event()
    Timer(0.2, loading.set).start()
    monkeypatch.setattr(processes, "_kept", SimpleNamespace(server=None))
    assert seconds_until_loaded() == 0
    monkeypatch.setattr(processes, "_kept", SimpleNamespace(server=loading))
    first, again = seconds_until_loaded(), seconds_until_loaded()
    assert again < 0.05 < first
