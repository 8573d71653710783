"""The command `reproduce`: what it lists, refuses and prints."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from learnorder.claims import reproduce as reproduction
from learnorder.cli import main


def run(*arguments: str):
    return CliRunner().invoke(main, ["reproduce", *arguments])


def test_the_nine_claims_are_listed_with_what_they_need():
    listed = run("--list")
    assert listed.exit_code == 0
    assert "same-architecture" in listed.stdout
    assert "generalisation" in listed.stdout
    rows = json.loads(run("--list", "--json", "robust").stdout)
    assert [row["claim"] for row in rows] == ["robust"]
    assert rows[0]["collections"][0] == "fashion-mnist/lenet"
    assert "0.7" in rows[0]["rule"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("robust",), 2, "Missing option '--out'"),
        (("no-claim", "--out", "x"), 1, "'no-claim' is no claim"),
        (("robust", "--data", "nowhere", "--out", "x"), 1, "there is no folder nowhere"),
        (("robust", "--scale", "huge", "--out", "x"), 2, "'huge' is not one of"),
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
