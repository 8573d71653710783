"""Every command: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from learnorder.cli import WALK, main
from learnorder.training.spec import TrainingSpec

OLDER = Path(__file__).parent.parent / "log"
SPEC = """
[dataset]
name = "digits"
train_limit = 200
test_limit = 100
[architecture]
name = "linear"
[training]
epochs = 2
batch_size = 20
"""


def run(*arguments: object):
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def run_alone(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "learnorder", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train_here) -> Path:
    """Train two collections on digits, one through the command line."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "spec.toml").write_text(SPEC)
    done = run(
        "train", folder / "spec.toml", "--seeds", "0:3", "--workers", 1,
        "--out", folder / "linear.zarr",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip().endswith("3 replicates finished, 3 trained now")
    assert "3 replicates x 2 epochs on" in done.stderr
    assert "on disk" in done.stderr
    assert "3 of 3 replicates, 6 of 6 epochs recorded" in done.stderr
    mlp = TrainingSpec.from_toml(folder / "spec.toml", {"architecture.name": "mlp"})
    train_here(folder / "mlp.zarr", mlp, None, range(3))
    return folder


def test_help_lists_the_commands_in_the_order_of_the_walk():
    text = run("--help").output
    listed = [line.split()[0] for line in text.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == [command.name for command in WALK]


@pytest.mark.parametrize("command", WALK, ids=lambda c: c.name)
def test_help_of_every_command_ends_with_an_example(command):
    done = run(command.name, "--help")
    assert done.exit_code == 0
    assert f"learnorder {command.name}" in done.output


@pytest.mark.parametrize("listing", ["datasets", "measures", "architectures"])
def test_listings_are_tables_or_json_lists_of_objects(listing):
    rows = json.loads(run(listing, "--json").output)
    assert rows
    assert all(isinstance(row, dict) and row["name"] for row in rows)
    text = run(listing).output
    assert all(row["name"] in text for row in rows)


def test_training_again_does_nothing(trained):
    done = run("train", trained / "spec.toml", "--seeds", "0:3", "--out", trained / "linear.zarr")
    assert done.exit_code == 0
    assert "3 replicates finished, nothing to do" in done.stdout


def test_info_says_what_is_there(trained):
    content = json.loads(run("info", trained / "mlp.zarr", "--json").output)
    assert [r["status"] for r in content["replicates"]] == ["finished"] * 3
    assert content["replicates"][0]["epochs"] == {"train": 2, "test": 2}
    assert content["spec"]["architecture"]["name"] == "mlp"
    text = run("info", trained / "mlp.zarr").output
    assert "3 of 3 finished" in text


def test_measure_prints_the_documented_object(trained):
    content = json.loads(run("measure", trained / "mlp.zarr", "--json").output)
    assert {"split", "n_replicates", "n_examples", "n_classes", "per_epoch", "order"} <= set(
        content
    )
    assert (content["split"], content["n_replicates"], content["n_examples"]) == ("test", 3, 100)
    row = content["per_epoch"][-1]
    keys = "epoch accuracy_mean accuracy_std agreement_mean bimodality bimodality_null fleiss_kappa"
    assert set(keys.split()) <= set(row)
    assert row["epoch"] == 2
    assert row["bimodality_null"] == pytest.approx(2 - 2 / 3)
    assert {"reliability", "reliability_ci", "reliability_within_class"} <= set(content["order"])
    assert content["order"]["reliability"] > 0.5
    text = run("measure", trained / "mlp.zarr", "--split", "train").output
    assert "3 of 3 replicates, 200 examples, 10 classes" in text
    assert "reliability of the order" in text


def test_measures_by_name_are_printed_or_written(trained, tmp_path):
    log = trained / "mlp.zarr"
    values = json.loads(run("measure", log, "-m", "accessibility", "--json").output)["measures"]
    assert values["accessibility"]["dims"] == ["example"]
    assert len(values["accessibility"]["values"]) == 100
    assert "accessibility" in run("measure", log, "-m", "accessibility").output
    csv, parquet, js = (tmp_path / f"order.{suffix}" for suffix in ("csv", "parquet", "json"))
    for out in (csv, parquet, js):
        done = run("measure", log, "-m", "accessibility", "--out", out)
        assert done.exit_code == 0
        assert done.stdout == ""
    lines = csv.read_text().splitlines()
    assert lines[0] == "example,accessibility"
    assert len(lines) == 101
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(parquet).num_rows == 100
    assert json.loads(js.read_text())[0].keys() == {"example", "accessibility"}


def test_one_replicate_is_undefined_with_the_reason(trained, tmp_path, train_here):
    spec = TrainingSpec.from_toml(trained / "spec.toml")
    train_here(tmp_path / "one.zarr", spec, None, [3])
    content = json.loads(run("measure", tmp_path / "one.zarr", "--json").output)
    assert content["order"]["reliability"] is None
    assert "1" in content["order"]["undefined"]["reliability"]
    assert content["per_epoch"][0]["fleiss_kappa"] is None
    assert content["per_epoch"][0]["undefined"]["fleiss_kappa"]
    assert "undefined: reliability" in run("measure", tmp_path / "one.zarr").output


def test_compare_prints_the_documented_object(trained):
    logs = [trained / "linear.zarr", trained / "mlp.zarr"]
    content = json.loads(run("compare", *logs, "--json").output)
    assert [c["name"] for c in content["collections"]] == ["linear", "mlp"]
    (pair,) = content["pairs"]
    keys = {"pearson", "pearson_ci", "spearman", "noise_ceiling", "corrected", "corrected_ci"}
    assert (pair["a"], pair["b"]) == ("linear", "mlp")
    assert keys <= set(pair)
    assert keys <= set(pair["within_class"])
    assert pair["pearson"] > 0.3
    assert (content["clock"], content["levels"]) == ("epoch", [])
    text = run("compare", *logs).output
    assert "within class" in text
    stronger = pair["late_gains"]["stronger"]
    assert f"{stronger} ends" in text
    gains = text[text.index(f"{stronger} ends") :].splitlines()[:3]
    assert max(map(len, gains)) <= 100


@pytest.mark.parametrize("clock", ["accuracy", "progress"])
def test_compare_on_another_clock_says_what_was_matched_or_why_not(trained, clock):
    logs = [trained / "linear.zarr", trained / "mlp.zarr"]
    content = json.loads(run("compare", *logs, "--clock", clock, "--json").output)
    text = run("compare", *logs, "--clock", clock).output
    assert content["clock"] == clock
    assert f"by {clock}" in text
    if content["levels"] is None:
        assert "undefined: levels, " in text
        assert content["undefined"]["levels"] in text
    else:
        assert f"note: {content['notes'][0]}" in text


def test_what_is_no_clock_is_a_malformed_command_line(trained):
    done = run("compare", trained / "linear.zarr", trained / "mlp.zarr", "--clock", "time")
    assert done.exit_code == 2


def test_report_is_written_and_its_path_printed(trained, tmp_path):
    out = tmp_path / "report.html"
    done = run("report", trained / "linear.zarr", trained / "mlp.zarr", "--out", out)
    assert done.output.strip() == str(out)
    assert "<html" in out.read_text()[:500]


def test_report_writes_its_figures_as_files_and_keeps_to_its_size(trained, tmp_path):
    out, figures = tmp_path / "report.html", tmp_path / "figures"
    log = trained / "linear.zarr"
    done = run("report", log, "--out", out, "--figures", figures, "--most-megabytes", 0.2)
    assert done.exit_code == 0
    assert out.stat().st_size <= 200_000
    assert "figures, to keep this page small" in out.read_text()
    names = {path.name for path in figures.iterdir()}
    assert {f"kappa-linear-test.{ending}" for ending in ("svg", "pdf", "png")} <= names
    small = run("report", log, "--out", tmp_path / "small.html", "--most-megabytes", 0.001)
    assert small.exit_code == 1
    assert "not even its text fits into 1,000 bytes" in small.stderr
    assert not (tmp_path / "small.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "no.zarr"], "no.zarr does not exist"),
        (["measure", "no.zarr"], "no.zarr does not exist"),
        (["report", "no.zarr", "--out", "r.html"], "no.zarr does not exist"),
        (["train", "no.toml", "--out", "x.zarr"], "cannot read no.toml"),
        (["compare", "LOG"], "needs two or more"),
        (["compare", "LOG", "LOG"], "are one log"),
        (["compare", "LOG", "OTHER"], "(10 and 3)"),
        (["measure", "LOG", "-m", "acessibility"], "'accessibility'"),
        (["measure", "LOG", "--split", "tset"], "'test'"),
        (["measure", "LOG", "--out", "x.xls"], ".csv, .parquet, .json"),
        (["measure", "LOG", "--out", "x"], "has no ending"),
        (["info", "a" * 300], "cannot be read (File name too long)"),
        (
            ["measure", "LOG", "-m", "accuracy", "-m", "accessibility", "--out", "x.csv"],
            "different",
        ),
        (["train", "SPEC", "--set", "training.epoch=2", "--out", "x.zarr"], "'epochs'"),
        (["train", "SPEC", "--out", "SPEC"], "is no log"),
        (["train", "SPEC", "--out", "FORMAT1"], "keeps no whole spec, so `learnorder train` did"),
        (["train", "SPEC", "--set", 'recording.early=["a"]', "--out", "x.zarr"], "fractions of an"),
        (
            ["train", "SPEC", "--set", "optimizer.learning_rate=0.3", "--out", "LOG"],
            "0.05 in the log",
        ),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_what_cannot_be_done_is_one_line_and_status_1(
    arguments, message, trained, tiny_log, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"LOG": trained / "linear.zarr", "OTHER": tiny_log, "SPEC": trained / "spec.toml"}
    places["FORMAT1"] = trained / "format1.zarr"
    shutil.copytree(OLDER / "format1.zarr", places["FORMAT1"], dirs_exist_ok=True)
    done = run(*(places.get(word, word) for word in arguments))
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("learnorder: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "SPEC", "--out", "x", "--seeds", "3:"],
        ["train", "SPEC", "--out", "x", "--set", "nonsense"],
        ["train", "SPEC", "--out", "x", "--set", "training.epochs=1\nx=2"],
        ["train", "SPEC", "--out", "x", "--workers", "0"],
        ["train", "SPEC"],
        ["frobnicate"],
    ],
    ids=" ".join,
)
def test_malformed_command_line_is_status_2(arguments):
    assert run(*arguments).exit_code == 2


def test_output_survives_a_plain_terminal_and_a_closed_pipe(trained):
    log = trained / "mlp.zarr"
    plain = run_alone("measure", log, LC_ALL="C", NO_COLOR="1", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0, plain.stderr
    assert "\x1b" not in plain.stdout
    piped = subprocess.run(
        f"{sys.executable} -m learnorder measure {log} --json | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert piped.stdout.strip() == "{"
    assert "Traceback" not in piped.stderr


def test_ctrl_c_leaves_a_log_that_can_be_resumed(trained, tmp_path):
    import signal
    import time

    out = tmp_path / "log.zarr"
    command = [sys.executable, "-m", "learnorder", "train", trained / "spec.toml", "--out", out]
    command += ["--seeds", "0:4", "--set", "training.epochs=400", "--workers", "1"]
    process = subprocess.Popen(
        list(map(str, command)),
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background of a shell inherits that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    # of the first seed: replicates of a group are committed side by side, in any order
    while len(list(out.glob("replicates/r0000/attempt-*/commits/test/*"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "interrupted" in said.splitlines()[-1]
    assert "Traceback" not in said
    states = json.loads(run("info", out, "--json").output)["replicates"]
    assert states[0]["status"] in ("interrupted", "finished")
    assert len(states) == 4


@pytest.mark.parametrize("suffix", ["csv", "CSV", "parquet", "json"])
@pytest.mark.parametrize("names", [[], ["-m", "reliability"], ["-m", "fleiss_kappa"]], ids=str)
def test_every_table_is_written_in_every_format(trained, tmp_path, names, suffix):
    out = tmp_path / f"table.{suffix}"
    done = run("measure", trained / "mlp.zarr", *names, "--out", out)
    assert done.exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    if suffix.lower() == "csv":
        assert "{" not in out.read_text()
        assert "[" not in out.read_text()


def test_a_table_where_no_file_can_be_is_refused(trained, tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.csv").mkdir()
    for place, message in (("file/x.csv", "cannot be written"), ("folder.csv", "is a folder")):
        done = run("measure", trained / "mlp.zarr", "--out", tmp_path / place)
        assert done.exit_code == 1
        assert f"{place} {message}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_table_that_fails_half_way_leaves_the_older_one(tmp_path):
    from learnorder.cli.output import write_rows

    out = tmp_path / "table.json"
    write_rows(out, [{"epoch": 1.0}])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_rows(out, [{"epoch": float("nan")}])
    assert json.loads(out.read_text()) == [{"epoch": 1.0}]
    assert list(tmp_path.iterdir()) == [out]


def test_an_architecture_beside_the_spec_is_found_from_any_folder(trained, tmp_path, monkeypatch):
    (tmp_path / "beside_the_spec.py").write_text(
        "from torch import nn\n"
        "def net(input_shape, n_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))\n"
    )
    spec = (trained / "spec.toml").read_text().replace('"linear"', '"beside_the_spec:net"')
    (tmp_path / "own.toml").write_text(spec)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds to it
    done = run("train", "../own.toml", "--out", "own.zarr", "--seeds", "0")
    assert done.exit_code == 0, done.stderr
    assert "1 replicate finished" in done.stdout


def test_logs_of_one_name_in_folders_of_one_name_are_told_apart(trained, tmp_path):
    for place in ("a", "b"):
        shutil.copytree(trained / f"{'mlp' if place == 'a' else 'linear'}.zarr",
                        tmp_path / place / "runs" / "x.zarr")  # fmt: skip
    logs = [tmp_path / place / "runs" / "x.zarr" for place in ("a", "b")]
    content = json.loads(run("compare", *logs, "--json").output)
    assert [c["name"] for c in content["collections"]] == ["a/runs/x.zarr", "b/runs/x.zarr"]


def test_interrupted_before_anything_was_written_says_so(trained, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("learnorder.collection.train.train_collection", interrupt)
    done = run("train", trained / "spec.toml", "--out", tmp_path / "x.zarr")
    assert done.exit_code == 1
    assert "interrupted. Nothing was written." in done.stderr


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_is_whole_at_every_width(width, monkeypatch):
    from learnorder.cli.progress import ProgressDisplay
    from learnorder.collection.progress import Progress

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    with ProgressDisplay() as display:
        display(Progress(3, 1, 10, 244, 12_000, 4.0, 90.0))
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[━╸╺]", " ", terminal.getvalue()).split()
    assert "…" not in terminal.getvalue()
    assert "3 of 10 replicates (1 failed), 244 of 12,000 epochs recorded" in " ".join(
        words
    ).replace(";", "")
    assert "1 min 30 s left" in " ".join(words)


def test_headers_of_a_narrow_table_break_between_words(monkeypatch):
    from learnorder.cli.output import echo_table

    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "72")
    columns = "epoch accuracy_mean accuracy_std agreement_mean bimodality bimodality_null kappa"
    echo_table(columns.split(), [[1, 0.5, 0.1, 0.9, 0.8, None, None]])
    printed = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert {"accuracy", "agreement", "bimodality", "undefined"} <= set(printed.split())
    assert max(map(len, printed.splitlines())) <= 72


class Terminal(StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_output_without_stdout_is_no_traceback(trained):
    command = f"{sys.executable} -m learnorder measure {trained / 'mlp.zarr'} >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, timeout=120)
    assert "Traceback" not in done.stderr
