"""``learnorder rank``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from tests.cli.test_output import a_terminal

import learnorder as lo
from learnorder.cli import main
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

HOSTILE = ["plain", "a,b", 'say "so"', "two\nlines", "\x1b[31mred\x1b]0;x\x07", "=1+1", "試験" * 20]
NAMES = ["ねこ", "\x1b[2Jdog", "[bold]fish[/bold]"]


def run(*arguments: object):
    return CliRunner().invoke(main, ["rank", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def hostile_log(tmp_path_factory) -> Path:
    """Ids and class names of somebody who means harm, some labels known to be wrong."""
    path = tmp_path_factory.mktemp("hostile") / "hostile.zarr"
    ids = [*HOSTILE, *(f"x{i}" for i in range(23))]
    label = np.arange(30) % 3
    true = np.where(np.arange(30) < 4, (label + 1) % 3, label)
    examples = {
        "train": (Examples(np.array(ids), label, true), None),
        "unlabelled": (Examples(np.arange(5), None), None),
    }
    about = {"name": "h", "kind": "features", "fingerprint": "f", "class_names": NAMES}
    create_log(path, NewLog({}, "identity", about, {"learnorder": "0"}, examples))
    for seed in range(3):
        with ReplicateWriter(path, seed, [1.0, 2.0], {}) as writer:
            for e in range(2):
                votes = {"train": true.astype("u1"), "unlabelled": np.arange(5).astype("u1") % 3}
                writer.write(EpochPredictions(seed, e, e + 1.0, votes))
            writer.finish()
    return path


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def test_json_is_a_list_of_rows_of_the_train_split(tiny_log):
    done = run(tiny_log, "--json")
    rows = json.loads(done.stdout)
    assert rows == lo.rank(lo.open_log(tiny_log)).rows
    assert len(rows) == 40
    assert json.loads(run(tiny_log, "--json", "--split", "test", "--highest", 3).stdout) == (
        lo.rank(lo.open_log(tiny_log), "test", highest=3).rows
    )


def test_a_person_sees_twenty_rows_and_how_many_there_are(tiny_log):
    done = run(tiny_log)
    assert "split train: 40 examples, 3 replicates, 3 epochs > 0" in done.stdout
    assert "... 20 more" in done.stdout
    assert re.search(r"^easy: \d+ \(", done.stdout, re.MULTILINE)
    assert "more;" not in run(tiny_log, "--lowest", 30).stdout


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".parquet"])
def test_tables_hold_every_id_as_it_is(hostile_log, tmp_path, ending):
    out = tmp_path / f"rank{ending}"
    done = run(hostile_log, "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    if ending == ".csv":
        read = _table(out)
        assert "begin as formulas do ('=1+1' is the first)" in done.stderr
    elif ending == ".parquet":
        from pyarrow import parquet

        read = parquet.read_table(out).to_pylist()
    else:
        text = out.read_text()
        read = json.loads(text) if ending == ".json" else list(map(json.loads, text.splitlines()))
    assert [row["id"] for row in read] == [
        row["id"] for row in lo.rank(lo.open_log(hostile_log)).rows
    ]
    assert {row["label_name"] for row in read} == set(NAMES)


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_of_an_id_acts_on_the_terminal_and_lines_fit(hostile_log, monkeypatch, width):
    shown = a_terminal(monkeypatch, width)
    main(["rank", str(hostile_log), "--lowest", "30"], standalone_mode=False)
    # colours of our own, and nothing else
    assert set(re.findall(r"\x1b\[?[^m]*m?", shown.getvalue())) <= {"\x1b[1m", "\x1b[3m", "\x1b[0m"}
    table = [line for line in shown.lines if "note" not in line and "labels were" not in line]
    assert max(map(cell_len, table)) <= width
    text = " ".join(shown.words)
    assert "two⏎lines" in text
    assert "⟨U+001B⟩" in text
    assert "[bold]fi" in text


def test_wrong_labels_that_are_known_are_an_evaluation(hostile_log):
    done = run(hostile_log, "--json")
    rows = json.loads(done.stdout)
    assert sum(row["label_is_wrong"] for row in rows) == 4
    assert {row["reading_wrong_share"] for row in rows if row["label_is_wrong"]} == {1.0}
    assert "4 labels wrong; of 4 that read 'likely mislabelled' 4 are" in done.stderr
    assert "(precision 1.000, recall 1.000)" in done.stderr


def test_corrected_labels_are_written_once(hostile_log, tmp_path):
    out = tmp_path / "corrected.csv"
    done = run(hostile_log, "--corrected", out)
    assert "4 labels of 30 replaced" in done.stderr
    rows = list(_table(out))
    assert [(r["id"], r["label"], r["suggested"]) for r in rows] == [
        ("plain", "0", "1"), ("a,b", "1", "2"), ('say "so"', "2", "0"), ("two\nlines", "0", "1"),
    ]  # fmt: skip
    before = out.read_bytes()
    again = run(hostile_log, "--corrected", out, "--whole")
    assert again.exit_code == 1
    assert again.stderr.strip().endswith("Choose another name, or remove it first.")
    assert out.read_bytes() == before
    whole = tmp_path / "whole.jsonl"
    run(hostile_log, "--corrected", whole, "--whole")
    read = [json.loads(line) for line in whole.read_text().splitlines()]
    assert [r["corrected"] for r in read] == lo.rank(
        lo.open_log(hostile_log)
    ).corrected_labels().tolist()


def test_curriculum_and_pruning(tiny_log, tmp_path):
    ranking = lo.rank(lo.open_log(tiny_log))
    rows = json.loads(run(tiny_log, "--curriculum", "--by-class", "--json").stdout)
    assert [row["position"] for row in rows] == ranking.curriculum(by_class=True).tolist()
    keep = ranking.prune(0.5, "hardest")
    done = run(tiny_log, "--prune", 0.5, "--drop", "hardest", "--json")
    rows = json.loads(done.stdout)
    assert [row["keep"] for row in rows] == keep[[row["position"] for row in rows]].tolist()
    assert "kept 20 of 40 examples" in done.stderr
    out = tmp_path / "order.csv"
    assert run(tiny_log, "--prune", 0.8, "--curriculum", "--out", out).exit_code == 0
    ids = [int(row["id"]) for row in _table(out)]
    assert ids == [x for x in ranking.curriculum().tolist() if ranking.prune(0.8)[x]]
    assert "--drop hardest" in run(tiny_log, "--prune", 0.8).stderr
    assert "--drop hardest" not in run(tiny_log, "--prune", 0.5).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--lowest", "3", "--highest", "3"], 2, "two ends"),
        (["--lowest", "0"], 2, "not in the range"),
        (["--curriculum", "--lowest", "3"], 2, "--curriculum is of all"),
        (["--prune", "0.5", "--lowest", "3"], 2, "--prune is of all examples; it takes no number"),
        (["--prune", "0.5", "--highest", "3"], 2, "--prune is of all examples; it takes no number"),
        (["--by-class"], 2, "goes with --curriculum"),
        (["--drop", "hardest"], 2, "goes with --prune"),
        (["--whole"], 2, "goes with --corrected"),
        (["--prune", "1"], 1, "below 1"),
        (["--prune", "nan"], 1, "below 1"),
        (["--by", "acessibility"], 1, "'accessibility'"),
        (["--by", "agreement"], 1, "(epoch, example)"),
        (["--split", "trian"], 1, "'train'"),
        (["--split", "trian"], 1, "Choose one with --split"),
        (["--out", "x.xls"], 1, ".csv, .parquet, .json, .jsonl"),
        (["--out", "x.csv", "--corrected", "./x.csv"], 1, "one file"),
        (["--split", "unlabelled"], 1, "no labels, so no accessibility"),
        (
            ["--split", "unlabelled", "--by", "mean_agreement", "--corrected", "c.csv"],
            1,
            "no labels",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    hostile_log, tmp_path, monkeypatch, arguments, code, words
):
    monkeypatch.chdir(tmp_path)
    done = run(hostile_log, *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert code == 2 or len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_labels_is_ranked_by_agreement(hostile_log):
    done = run(hostile_log, "--split", "unlabelled", "--by", "mean_agreement")
    assert done.exit_code == 0
    assert "mean_agreement" in done.stdout.replace("mean agreement", "mean_agreement")
    assert "no readings" in done.stderr


def test_json_for_a_terminal_holds_nothing_that_acts_on_it(monkeypatch):
    from learnorder.cli.output import echo_json, echo_json_rows

    row = {"id": "\x9b31mred\u202e試験"}
    for echo, value in ((echo_json, row), (echo_json_rows, [row])):
        shown = a_terminal(monkeypatch)
        echo(value)
        assert not set(shown.getvalue()) & set("\x9b\u202e")
        assert "試験" in shown.getvalue()
        assert json.loads(shown.getvalue()) == value


def test_an_empty_list_is_a_list(monkeypatch):
    from learnorder.cli.output import echo_json_rows

    shown = a_terminal(monkeypatch)
    echo_json_rows([])
    assert json.loads(shown.getvalue()) == []


def test_no_table_is_written_where_there_is_nothing_to_correct_from(hostile_log, tmp_path):
    done = run(
        hostile_log, "--split", "unlabelled", "--by", "mean_agreement",
        "--out", tmp_path / "t.csv", "--corrected", tmp_path / "c.csv",
    )  # fmt: skip
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_a_train_split_names_the_option(tmp_path):
    log = lo.from_arrays(np.zeros((2, 2, 3), dtype=int), [0, 1, 1])
    lo.import_log({"test": log}, tmp_path / "a.zarr")
    done = run(tmp_path / "a.zarr")
    assert done.exit_code == 1
    assert "no split 'train'. Known are: test. Choose one with --split" in done.stderr


def _write(log, folder, labels=(0, 1, 1)):
    split = lo.from_arrays(log, list(labels), split="train", class_names=["a", "b"])
    return lo.import_log({"train": split}, folder / "a.zarr").path


def test_with_one_epoch_forgetting_is_undefined_in_the_terminal(tmp_path):
    one = _write(np.zeros((3, 1, 3), dtype=int), tmp_path)
    lines = run(one).stdout.splitlines()
    assert "never" not in " ".join(lines)
    assert sum("undefined" in line for line in lines) == 3
    two = tmp_path / "two"
    two.mkdir()
    assert "never" in run(_write(np.zeros((3, 2, 3), dtype=int), two)).stdout


def test_nothing_is_said_of_mislabelled_examples_where_none_is_kept(tmp_path):
    right = _write(np.broadcast_to([0, 1, 1, 0], (3, 2, 4)), tmp_path, (0, 1, 1, 0))
    done = run(right, "--prune", 0.5)
    assert "kept 2 of 4 examples" in done.stderr
    assert "look at these first" not in done.stderr
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    again = run(_write(np.zeros((3, 2, 3), dtype=int), wrong), "--prune", 0.3)
    assert "1 of what is kept reads 'likely mislabelled': look" in again.stderr


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
def test_only_an_older_table_with_the_same_columns_is_replaced(suffix, tiny_log, tmp_path):
    out = tmp_path / f"a.{suffix}"
    out.write_bytes(b"")  # as mktemp leaves it
    for by in ("accessibility", "suspicion"):
        assert run(tiny_log, "--by", by, "--out", out).exit_code == 0
    table = out.read_bytes()
    done = run(tiny_log, "--curriculum", "--out", out)
    assert done.exit_code == 1
    assert "is there and is a table of rank, id, position, label" in done.stderr
    assert "Give another name, or remove it" in done.stderr
    assert done.stderr.count("\n") == 1
    arguments = ["measure", str(tiny_log), "-m", "accuracy", "--out", str(out)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert out.read_bytes() == table
    for mine in (b"a,b\n1,2\n", b'{"a": 1}', b"[1]", b"[\n  [1]\n]\n", b"\xff\x00", b'"a\n'):
        out.write_bytes(mine)
        done = run(tiny_log, "--out", out)
        assert done.exit_code == 1, done.output
        assert done.stderr.count("\n") == 1
        assert out.read_bytes() == mine


def test_ties_of_a_curriculum_and_of_pruning_are_said(tiny_log):
    done = run(tiny_log, "--curriculum", "--prune", "0.5", "--json")
    assert re.search(
        r"^note: [0-9]+ examples? dropped and [0-9]+ kept of the same", done.stderr, re.M
    )
    assert re.search(r"^note: [0-9]+ of 40 examples share their accessibility", done.stderr, re.M)
    assert "share" not in run(tiny_log, "--json").stderr
