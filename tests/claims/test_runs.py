"""What happens around training: what is kept, refused, marked, gone on with and said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.claims.tiny_claims import shrunk, trained_here, trimmed, unknown_budget

from learnorder.claims import budget as budgets
from learnorder.claims import recipe
from learnorder.claims import reproduce as reproduction
from learnorder.claims.budget import Budget, measure_budget
from learnorder.claims.folder import sole_run
from learnorder.claims.missing import lacks_of, left_without, studies_needing
from learnorder.claims.recipe import collection, find_claims
from learnorder.collection import group
from learnorder.collection.provenance import provenance as provenance_of
from learnorder.collection.train import TrainingResult
from learnorder.errors import DataNotFound, LearnOrderError, LogBusy
from learnorder.log import provenance
from learnorder.log.reader import open_log

ROOT = Path(__file__).parents[2]
OLD = {"claim": "benchmarks", "scale": "quick", "status": "done", "verdict": "holds"}


@pytest.fixture
def tiny(monkeypatch):
    """Let claims be tiny, and train them in this process without measuring the cost first."""
    monkeypatch.setattr(recipe, "collection", shrunk)
    monkeypatch.setattr(reproduction, "find_claims", trimmed)
    monkeypatch.setattr(reproduction, "measure_budget", unknown_budget)
    monkeypatch.setattr(reproduction, "train_collection", trained_here)


@pytest.fixture
def old(tmp_path):
    """Return the file of a result that an earlier run has finished."""
    path = tmp_path / "benchmarks.json"
    path.write_text(json.dumps(OLD))
    return path


def status_of(result: Path) -> dict[str, object]:
    return json.loads(result.with_suffix(".status.json").read_text())


def run(out: Path, *names: str, **options: object):
    return reproduction.reproduce(names or ("benchmarks",), out=out, data=out, **options)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_log_that_does_not_fit_stops_the_run_before_any_result_is_touched(
    tiny, tmp_path, old, monkeypatch, damaged
):
    monkeypatch.setattr(reproduction, "measure_budget", measure_budget)
    log = tmp_path / "logs" / "quick" / "digits" / "mlp.zarr"
    found = shrunk("digits/mlp", "quick")
    tables = found.spec.resolved()
    tables["architecture"].pop("revision", None)
    tables["training"]["batch_size"] = 8
    spec = found.spec if damaged else type(found.spec).from_tables(tables)
    trained_here(spec, [0], out=log)
    if damaged:
        (log / "zarr.json").write_text("{")
    with pytest.raises(LearnOrderError, match=r"'digits/mlp' cannot go on: .*another --out") as e:
        run(tmp_path)
    assert str(log) in str(e.value)
    assert damaged or "training.batch_size is 8 in the log and 16 now" in str(e.value)
    assert json.loads(old.read_text()) == OLD
    assert not old.with_suffix(".status.json").exists()


def test_what_is_missing_leaves_an_older_result_alone(tiny, tmp_path, old, monkeypatch):
    lack = lacks_of(DataNotFound("gone"), collection("small-mammals/st-vgg", "quick").spec)
    missing = Budget({}, {}, {"digits/mlp": lack})
    monkeypatch.setattr(reproduction, "measure_budget", lambda *_: missing)
    found = run(tmp_path)["benchmarks"]
    assert (found["status"], found["verdict"]) == ("not run", None)
    assert json.loads(old.read_text()) == OLD
    assert status_of(old) == found


def test_what_hinders_training_is_no_outcome_and_another_run_goes_on(
    tiny, tmp_path, old, monkeypatch
):
    def hindered(spec, seeds, *, out, **options: object) -> TrainingResult:
        whole = trained_here(spec, seeds, out=out)
        return replace(whole, finished=(0,), failed={3: "train: OSError: No space left on device."})

    with monkeypatch.context() as patch:
        patch.setattr(reproduction, "train_collection", hindered)
        found = run(tmp_path, "benchmarks", "synthetic")
    assert [r["status"] for r in found.values()] == ["interrupted"] * 2, "the next is tried too"
    assert "seed 3: OSError: No space left on device. That says nothing" in status_of(old)["reason"]
    assert json.loads(old.read_text()) == OLD
    found = run(tmp_path)["benchmarks"]
    assert found["status"] == "done"
    assert json.loads(old.read_text()) == found
    assert not old.with_suffix(".status.json").exists()


def test_any_other_end_is_marked_with_its_reason(tiny, tmp_path, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the fan\nfell off.")

    monkeypatch.setattr(reproduction, "train_collection", broken)
    with pytest.raises(RuntimeError):
        run(tmp_path)
    said = status_of(tmp_path / "benchmarks.json")
    assert said["status"] == "interrupted"
    assert said["reason"].startswith("RuntimeError: the fan fell off. Run the same command")


def test_a_run_that_was_killed_is_noticed_by_the_next(tiny, tmp_path):
    status = tmp_path / "benchmarks.status.json"
    status.write_text(json.dumps({"status": "running"}))
    news = []
    found = run(tmp_path, report=news.append)
    assert any(isinstance(n, str) and "benchmarks: a run before this one" in n for n in news)
    assert found["benchmarks"]["status"] == "done"
    assert not status.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_says_so_and_the_next_comes_to_a_verdict(tiny, tmp_path, old, number):
    begun = shrunk("digits/mlp", "quick")
    log = tmp_path / "logs" / "quick" / "digits" / "mlp.zarr"
    trained_here(begun.spec, begun.seeds[:1], out=log)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.claims.stopped_run", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdout.readline() == "training\n"
    with pytest.raises(LogBusy):
        run(tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    status, killed = status_of(old), number == signal.SIGKILL
    assert process.returncode == (-signal.SIGKILL if killed else 1)
    assert status["status"] == ("running" if killed else "interrupted")
    if not killed:
        assert "reproduce: interrupted." in said.splitlines()[-1]
        word = number.name
        assert status["reason"].startswith(f"it was stopped by {word}.")
    assert json.loads(old.read_text()) == OLD
    news = []
    found = run(tmp_path, report=news.append)["benchmarks"]
    assert any("a run before this one" in n for n in news if isinstance(n, str)) == killed
    assert (found["status"], found["seeds"]) == ("done", {"digits/mlp": list(begun.seeds)})
    assert json.loads(old.read_text()) == found


def test_replicates_that_the_recipe_has_not_are_not_judged(tiny, tmp_path):
    """A log of an earlier recipe may hold other seeds."""
    begun = shrunk("digits/mlp", "quick")
    (tmp_path / "alone").mkdir()
    alone = run(tmp_path / "alone")["benchmarks"]
    log = tmp_path / "more" / "logs" / "quick" / "digits" / "mlp.zarr"
    trained_here(begun.spec, range(3), out=log)
    found = run(tmp_path / "more")["benchmarks"]
    assert len(open_log(log)["test"]["replicate"]) == 3 + len(begun.seeds)
    assert found["measures"] == alone["measures"]
    assert found["seeds"] == alone["seeds"]


def test_a_larger_scale_has_a_folder_of_its_own(tiny, tmp_path, old):
    found = run(tmp_path, scale="medium")["benchmarks"]
    assert json.loads(old.read_text()) == OLD
    assert json.loads((tmp_path / "medium" / "benchmarks.json").read_text()) == found
    assert found["scale"] == "medium"


def test_results_say_what_replicates_were_trained_with_and_judged_with(tiny, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(group, "made_by", lambda _: {"torch": "1.0", "learnorder_revision": "abc"})
        begun = shrunk("digits/mlp", "quick")
        log = tmp_path / "logs" / "quick" / "digits" / "mlp.zarr"
        trained_here(begun.spec, begun.seeds[:1], out=log)
        patch.setattr(group, "made_by", lambda _: {"torch": "2.0", "learnorder_revision": "abc"})
        found = run(tmp_path)["benchmarks"]
    made = found["versions"]
    assert (made["torch"], made["git_revision"]) == ("1.0 and 2.0", "abc")
    dates = [r.attempt.created for r in open_log(log).replicates]
    assert (made["trained_from"], made["trained_to"]) == (min(dates), max(dates))
    judged = found["judged_with"]
    assert judged["git_revision"] == provenance.own_revision()
    assert judged["numpy"]
    assert judged["created"] >= made["trained_to"]


def test_the_revision_is_that_of_the_package_and_not_of_where_one_stands(tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    for command in (
        ["init", "-q", str(theirs)],
        ["-C", str(theirs), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
         "--allow-empty", "-m", "first"],
    ):  # fmt: skip
        subprocess.run(["git", *command], check=True)
    provenance.own_revision.cache_clear()
    before = provenance.own_revision()
    provenance.own_revision.cache_clear()
    monkeypatch.chdir(theirs)
    spec = shrunk("digits/mlp", "quick").spec
    made = provenance_of(spec)
    assert made.get("learnorder_revision") == before
    assert made["git_revision"] not in (None, before)
    # installed into somebody's repository, it is no part of that
    installed = theirs / ".venv" / "learnorder"
    (installed / "log").mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "__file__", str(installed / "log" / "provenance.py"))
    provenance.own_revision.cache_clear()
    assert provenance.own_revision() is None
    provenance.own_revision.cache_clear()


def test_a_folder_has_one_run_at_a_time(tiny, tmp_path):
    with sole_run(tmp_path), pytest.raises(LogBusy, match="another run writes into") as error:
        run(tmp_path)
    assert "use another --out" in str(error.value)
    assert not (tmp_path / "benchmarks.status.json").exists()
    assert run(tmp_path)["benchmarks"]["status"] == "done"


@pytest.mark.parametrize("what", ["a file", "below a file", "a url"])
def test_a_folder_that_cannot_be_is_refused_at_once(tiny, tmp_path, monkeypatch, what):
    (tmp_path / "file").write_text("kept")
    out = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "out"}
    monkeypatch.setattr(reproduction, "measure_budget", None)
    with pytest.raises(LearnOrderError, match=r"--out .*") as error:
        reproduction.reproduce(["benchmarks"], out=out.get(what, "memory://results"))
    assert "\n" not in str(error.value)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("workers", [0, -3, 1.5, True])
def test_workers_are_a_number_of_processes(tiny, tmp_path, workers):
    with pytest.raises(LearnOrderError, match="workers = "):
        run(tmp_path / "out", workers=workers)
    assert not (tmp_path / "out").exists()


def test_missing_data_are_named_with_what_they_are_for_and_what_runs_without(tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNORDER_DATA", str(tmp_path))
    spec = collection("small-mammals/st-vgg", "quick").spec
    error = DataNotFound("gone")
    error.dataset = "small-mammals"
    mammals, others = lacks_of(error, spec)
    assert "coarse_label is small_mammals" in mammals.how
    assert "'cifar100-subset'" in others.what, "what its further test sets need is named at once"
    (tmp_path / "cifar100_small_mammals").mkdir()
    assert lacks_of(DataNotFound("gone"), spec) == (others,)
    error.dataset = "mnist"
    (from_hub,) = lacks_of(error, collection("mnist/lenet", "full").spec)
    assert "`hf download ylecun/mnist --repo-type dataset --local-dir mnist`" in from_hub.how
    claims = find_claims(["benchmarks", "out-of-sample", "synthetic"])
    missing = {"small-mammals/st-vgg": (mammals, others), "mnist/lenet": (from_hub,)}
    needing = studies_needing(mammals, claims, "quick", missing)
    assert needing == (
        "benchmarks (small mammals), out-of-sample (networks trained on small mammals)"
    )
    assert studies_needing(from_hub, claims, "quick", missing) == ""
    assert studies_needing(from_hub, claims, "full", missing) == "benchmarks (MNIST)"
    assert left_without(claims, "quick", missing) == {
        "whole": ["synthetic"],
        "in part": ["benchmarks", "out-of-sample"],
        "not at all": [],
    }


def test_collections_that_take_other_data_are_tried_each(tmp_path):
    keys = {
        budgets._key(collection(f"small-mammals/{name}", "quick"), tmp_path / "none")
        for name in ("st-vgg", "st-vgg-sgd")
    }
    assert len(keys) == 2


def test_an_interruption_ends_what_tries_the_networks(tmp_path, monkeypatch):
    class Process:
        """Waits for its end, as a process does that tries a network."""

        def __init__(self) -> None:
            import threading

            self.waited_seconds = 0.0
            self.ended = threading.Event()
            self.kill = self.ended.set

    begun = []

    def waiting(spec, seeds, out, workers, note) -> None:
        begun.append(Process())
        note(begun[-1])
        assert begun[-1].ended.wait(60)

    def interrupted(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    def first_is_there(spec, seeds, out, workers, note) -> None:
        if out.exists():
            return None
        return waiting(spec, seeds, out, workers, note)

    monkeypatch.setattr(budgets, "estimate_cost", first_is_there)
    names = ("digits/mlp", "digits-learners/logistic-regression", "fashion-mnist/lenet")
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "mlp").mkdir()
    with pytest.raises(KeyboardInterrupt):
        measure_budget(
            {name: collection(name, "quick") for name in names},
            lambda name: tmp_path / name,
            2,
            interrupted,
        )
    assert all(process.ended.is_set() for process in begun)
