"""The command `reproduce`: what it lists, refuses and prints."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from learnorder.claims import reproduce as reproduction
from learnorder.claims.budget import Budget
from learnorder.claims.missing import Lack
from learnorder.claims.recipe import find_claims
from learnorder.claims.reproduce import Stage
from learnorder.cli import main
from learnorder.cli.reproduce import _Display, budget_lines
from learnorder.collection.progress import Progress


def run(*arguments: str):
    return CliRunner().invoke(main, ["reproduce", *arguments])


def test_the_nine_claims_are_listed_with_what_they_need():
    listed = run("--list")
    assert listed.exit_code == 0
    assert "same-architecture" in listed.stdout
    assert "generalisation" in listed.stdout
    rows = json.loads(run("--list", "--json", "robust").stdout)
    assert [row["claim"] for row in rows] == ["robust"]
    assert rows[0]["studies"][0] == "variants of lenet on Fashion-MNIST"
    assert rows[0]["collections"][0] == "fashion-mnist/lenet"
    assert "0.7" in rows[0]["rule"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("robust",), 2, "Missing option '--out'"),
        (("no-claim", "--out", "x"), 1, "'no-claim' is no claim"),
        (("robust", "--data", "nowhere", "--out", "x"), 1, "there is no folder nowhere"),
        (("robust", "--scale", "huge", "--out", "x"), 2, "'huge' is not one of"),
        (
            ("robust", "--study", "CIFAR", "--out", "x"),
            1,
            "'CIFAR' is no study of robust at the scale",
        ),
        (("robust", "synthetic", "--study", "Gabor patches", "--out", "x"), 1, "robust has none"),
        (("robust", "--workers", "-2", "--out", "x"), 2, "-2 is not in the range"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert not (tmp_path / "x").exists()


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduction, "reproduce", interrupted)
    result = run("robust", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "Run the same command again to go on" in result.stderr


def test_verdicts_are_a_table_or_json(tmp_path, monkeypatch):
    findings = [{"verdict": v} for v in ("holds", "holds", "inconclusive")]
    found = {"robust": {"verdict": "inconclusive", "measures": findings, "n_replicates": 6}}
    monkeypatch.setattr(reproduction, "reproduce", lambda *_, **__: found)
    printed = run("robust", "--out", str(tmp_path)).stdout
    assert "2 holds, 1 inconclusive" in printed
    assert json.loads(run("robust", "--out", str(tmp_path), "--json").stdout) == [found["robust"]]


def test_claims_without_a_new_verdict_are_named_and_exit_1(tmp_path, monkeypatch):
    without = {"verdict": None, "measures": [], "n_replicates": 0}
    found = {
        "robust": {"verdict": "holds", "measures": [{"verdict": "holds"}], "n_replicates": 6},
        "synthetic": {**without, "status": "interrupted", "reason": "reproduce: the disk is full."},
        "benchmarks": {**without, "status": "not run", "reason": "nothing is there."},
    }
    monkeypatch.setattr(reproduction, "reproduce", lambda *_, **__: found)
    result = run("--out", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "learnorder: reproduce: 2 of 3 claims without a new verdict: synthetic, benchmarks. "
        "The first, synthetic, was interrupted: the disk is full."
    )
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["robust", "holds"],
        ["synthetic", "interrupted"],
        ["benchmarks", "not"],
    ]


def test_without_a_terminal_a_collection_is_a_line_at_its_start_and_its_end(monkeypatch, capsys):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    display = _Display([], "quick", None)
    stage = Stage("robust", "digits/mlp", 0, 2, 7200.0)
    display(stage)
    for second in range(3600):
        now[0] += 1
        training = Progress(1 + second, 4000, 0, 0, 5, float(second), 400.0)
        display(replace(stage, training=training))
    display(replace(stage, done=1, trained=(4, 1)))
    display("replicate 3: its worker process was killed. It goes on from its last epoch.")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "robust: digits/mlp (1 of 2): 0 %; about 2 h 0 min left"
    assert said[-2] == (
        "robust: digits/mlp (1 of 2): 4 replicates trained, 1 diverged; about 2 h 0 min left"
    )
    assert said[-1].startswith("replicate 3:")
    assert len(said) == 3 + 3600 // 180


def test_what_is_missing_is_said_once_with_all_it_is_for(tmp_path):
    lack = Lack("the dataset 'mnist'", "fetch it")
    missing = {"mnist/lenet": (lack,)}
    claims = find_claims(["benchmarks", "robust"])
    lines = list(budget_lines(Budget({}, {}, missing), claims, "full", tmp_path))
    assert lines[1:] == [
        f"folder of the datasets: {tmp_path}",
        "missing: the dataset 'mnist', for benchmarks (MNIST). To have it: fetch it.",
        "without that, whole: robust; in part: benchmarks; not at all: none",
    ]
