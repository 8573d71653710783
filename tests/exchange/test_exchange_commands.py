"""The commands ``import`` and ``export``: what they say, and that nothing half-written stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.cli import main
from learnorder.errors import LearnOrderError
from learnorder.exchange import exporting, tables_out
from learnorder.exchange.formats import FORMATS
from learnorder.log import whole
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples, Previews


def run(*arguments, fails: bool = False):
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == (1 if fails else 0), done.output
    if fails:
        assert done.stderr.count("\n") == 1, done.stderr
    return done


def test_a_log_goes_out_and_comes_back(tiny_log, tmp_path):
    done = run("export", tiny_log, "--to", "parquet", "--out", tmp_path / "a.parquet")
    assert done.stdout.endswith("a.parquet: train 40 examples, test 24 examples (parquet)\n")
    assert f"not in {tmp_path}/a.parquet: how the networks were trained" in done.stderr
    assert "previews" not in done.stderr
    done = run("import", tmp_path / "a.parquet", "--out", tmp_path / "a.zarr")
    assert done.stdout.endswith(
        "a.zarr: 3 replicates, 3 epochs, train 40 examples, test 24 examples, 3 classes "
        "(from parquet)\n"
    )
    one, other = lo.open_log(tiny_log)["test"], lo.open_log(tmp_path / "a.zarr")["test"]
    assert np.array_equal(one.prediction.values, other.prediction.values)
    done = run("measure", tmp_path / "a.zarr", "-m", "accessibility", "--json")
    values = json.loads(done.stdout)["measures"]["accessibility"]["values"]
    assert values == lo.accessibility(one).values.tolist()
    for command in ("info", "verify", "compact"):
        run(command, tmp_path / "a.zarr")
    done = run("compare", tiny_log, tmp_path / "a.zarr", "--json")
    assert json.loads(done.stdout)["pairs"][0]["pearson"] == pytest.approx(1)


def test_options_reach_the_import_and_json_says_what_was_done(tmp_path):
    (tmp_path / "a.csv").write_text("image,guess\n5,dog\n6,cat\n")
    (tmp_path / "names.txt").write_text("dog\ncow\ncat\n")
    done = run(
        "import",
        tmp_path / "a.csv",
        *("--out", tmp_path / "a.zarr", "--split", "val", "--seeds", "4", "--json"),
        *("--column", "id=image", "--column", "prediction=guess"),
        *("--class-names", tmp_path / "names.txt"),
    )
    content = json.loads(done.stdout)
    assert content["replicates"] == [{"seed": 4, "epochs": 1}]
    assert content["splits"] == {"val": 2}
    assert content["n_classes"] == 3
    assert content["notes"] == [
        "no column 'seed': all rows are of seed 4",
        "no column 'epoch': all rows are of epoch 1",
        "no column 'split': all rows are of split 'val'",
    ]
    assert [f"note: {note}" in done.stderr for note in content["notes"]] == [True] * 3
    assert lo.open_log(tmp_path / "a.zarr")["val"].prediction.values.tolist() == [[[0, 2]]]


def test_help_lists_the_formats():
    for command, field in (("import", "reader"), ("export", "writer")):
        text = run(command, "--help").stdout
        listed = text.split("Formats:")[1]
        for about in FORMATS.values():
            assert (f"\n    {about.name} " in listed) == bool(getattr(about, field)), about.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "LOG", "--to", "parket", "--out", "a"], "nearest known name is 'parquet'"),
        (["export", "LOG", "--to", "csv", "--out", "a", "--split", "tset"], "has no split 'tset'"),
        (["export", "LOG", "--to", "cleanlab", "--out", "a", "--epoch", "9"], "9 is not recorded"),
        (["export", "LOG", "--to", "csv", "--out", "LOG/a.csv"], "lies inside the log"),
        (["export", "absent.zarr", "--to", "csv", "--out", "a"], "does not exist"),
        (["import", "absent.csv", "--out", "a"], "there is nothing at absent.csv"),
        (["import", "LOG", "--out", "a"], "is a log"),
        (["import", "LOG", "--out", "a", "--format", "parket"], "'parket' is no format"),
        (["import", "FILE", "--out", "LOG"], "exists. Nothing is overwritten"),
        (["import", "FILE", "--out", "LOG/inside"], "lies inside the log"),
        (["import", "FILE", "--out", "memory://a"], "in the memory of this process"),
        (["import", "FILE", "--out", "a", "--column", "id=x", "--column", "id=y"], "given twice"),
        (["import", "FILE", "--out", "a", "--class-names", "FILE"], "is none of the"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, message, tiny_log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("f.csv").write_text("id,prediction\n1,one\n")
    places = {"LOG": str(tiny_log), "FILE": "f.csv"}
    given = [a.replace("LOG", places["LOG"]) if "LOG" in a else places.get(a, a) for a in arguments]
    done = run(*given, fails=True)
    assert message in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["f.csv"]


def test_malformed_pairs_are_a_malformed_command_line(tmp_path):
    done = CliRunner().invoke(main, ["import", "a.csv", "--out", "b", "--column", "id"])
    assert done.exit_code == 2


def test_files_are_replaced_only_when_asked_and_folders_never(tiny_log, tmp_path):
    path, folder = tmp_path / "a.csv", tmp_path / "arrays"
    path.write_text("mine")
    done = run("export", tiny_log, "--to", "csv", "--out", path, fails=True)
    assert "Nothing is overwritten without being told so" in done.stderr
    assert path.read_text() == "mine"
    run("export", tiny_log, "--to", "csv", "--out", path, "--overwrite")
    assert path.read_text().startswith("seed,epoch,split,id,prediction,label\n")
    run("export", tiny_log, "--to", "npy", "--out", folder)
    done = run("export", tiny_log, "--to", "npy", "--out", folder, "--overwrite", fails=True)
    assert "no folder is overwritten" in done.stderr
    done = run("export", tiny_log, "--to", "csv", "--out", folder, "--overwrite", fails=True)
    assert "is a folder" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "arrays"]


def test_splits_that_are_not_in_a_file_are_named_unless_one_was_chosen(tiny_log, tmp_path):
    out = tmp_path / "votes.npz"
    done = run("export", tiny_log, "--to", "cleanlab", "--out", out)
    line = f"not in {out}: split 'train': this format holds one; --split train writes it\n"
    assert line in done.stderr
    assert done.stdout.endswith("votes.npz: test 24 examples (cleanlab)\n")
    run("export", tiny_log, "--to", "cscore", "--out", tmp_path / "a.npz", "--split", "train")
    done = run("export", tiny_log, "--to", "cscore", "--out", tmp_path / "b.npz", "--split", "test")
    assert "split '" not in done.stderr
    done = run("export", tiny_log, "--to", "csv", "--out", tmp_path / "a.csv")
    assert "split '" not in done.stderr


def test_previews_and_training_are_named_where_a_log_has_them(tmp_path):
    shown = Previews(np.arange(2), texts=("one", "two"))
    about = {"name": "n", "kind": "features", "fingerprint": "f", "class_names": ["a", "b"]}
    splits = {"test": (Examples(np.arange(2), None), shown)}
    create_log(tmp_path / "a.zarr", NewLog({}, "identity", about, {"learnorder": "0"}, splits))
    with ReplicateWriter(tmp_path / "a.zarr", 0, [1.0], {}) as writer:
        writer.write(EpochPredictions(0, 0, 1.0, {"test": np.array([0, 1], "u1")}))
        writer.finish()
    assert lo.export_log(tmp_path / "a.zarr", "npz", tmp_path / "a.npz").lost == ["previews"]
    lo.import_log(tmp_path / "a.npz", tmp_path / "b.zarr")
    assert lo.export_log(tmp_path / "b.zarr", "npz", tmp_path / "b.npz").lost == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that takes no files")
@pytest.mark.parametrize("place", ["/proc/a", "/proc/new/a", "FILE/a"])
def test_a_place_that_cannot_be_written_is_named_as_it_was_given(place, tiny_log, tmp_path):
    (tmp_path / "f.csv").write_text("id,prediction\n1,0\n")
    out = place.replace("FILE", str(tmp_path / "f.csv"))
    for format_ in ("csv", "npy", "parquet", "npz"):
        done = run("export", tiny_log, "--to", format_, "--out", out, fails=True)
        assert f"export: {out} cannot be written (" in done.stderr
        assert ".partial" not in done.stderr
    done = run("import", tmp_path / "f.csv", "--out", out, fails=True)
    named = "/proc/new" if place == "/proc/new/a" else out  # the folder that could not be made
    assert named in done.stderr
    assert ".claim" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["f.csv"]


class Breaks(Exception):
    """Something goes wrong in the middle."""


@pytest.mark.parametrize(
    ("format_", "function"), [("csv", "long_rows"), ("huggingface", "wide_rows")]
)
@pytest.mark.parametrize("existing", [False, True])
def test_a_failed_export_leaves_what_was_there(
    format_, function, existing, tiny_log, tmp_path, monkeypatch
):
    whole_rows = getattr(tables_out, function)

    def some(source):
        yield next(iter(whole_rows(source)))
        raise Breaks

    monkeypatch.setattr(tables_out, function, some)
    if existing:
        (tmp_path / "out").write_text("mine")
    with pytest.raises(Breaks):
        lo.export_log(tiny_log, format_, tmp_path / "out", split="test", overwrite=True)
    left = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert left == ({"out": "mine"} if existing else {})


def test_a_failed_export_of_a_folder_leaves_none(tiny_log, tmp_path, monkeypatch):
    def broken(source, target):
        (target / "part.npy").write_bytes(b"half")
        raise Breaks

    monkeypatch.setattr(exporting, "load", lambda name: broken)
    with pytest.raises(Breaks):
        lo.export_log(tiny_log, "npy", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_import_leaves_no_log(tmp_path, monkeypatch):
    class Failing(whole.ReplicateWriter):
        def finish(self, *about):
            if self.seed == 1:
                raise Breaks
            super().finish(*about)

    monkeypatch.setattr(whole, "ReplicateWriter", Failing)
    log = lo.from_arrays(np.zeros((3, 2, 4), int))
    with pytest.raises(Breaks):
        lo.import_log(log, tmp_path / "out.zarr")
    assert list(tmp_path.iterdir()) == []


def test_what_appears_meanwhile_is_not_overwritten(tiny_log, tmp_path, monkeypatch):
    write = tables_out.write_csv

    def slow(source, target):
        lost = write(source, target)
        (tmp_path / "a.csv").write_text("somebody else's")
        return lost

    monkeypatch.setattr(exporting, "load", lambda name: slow)
    with pytest.raises(LearnOrderError, match="something has appeared at"):
        lo.export_log(tiny_log, "csv", tmp_path / "a.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "somebody else's"


def test_a_log_elsewhere_appears_whole(tmp_path):
    pytest.importorskip("upath")
    url = f"memory://exchange-{os.getpid()}/a.zarr"
    log = lo.from_arrays(np.arange(6).reshape(1, 2, 3) % 3, [0, 1, 2])
    lo.import_log(log, url)
    back = lo.open_log(url)["test"]
    assert np.array_equal(back.prediction.values, log.prediction.values)
    with pytest.raises(LearnOrderError, match="Nothing is overwritten"):
        lo.import_log(log, url)


def test_imported_logs_cannot_be_trained_on(tmp_path):
    lo.import_log(lo.from_arrays([[[0, 1]]]), tmp_path / "a.zarr")
    (tmp_path / "s.toml").write_text(
        '[dataset]\nname = "digits"\n[architecture]\nname = "linear"\n'
    )
    done = run("train", tmp_path / "s.toml", "--out", tmp_path / "a.zarr", fails=True)
    assert "a.zarr" in done.stderr
