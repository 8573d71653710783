"""`merge` puts replicates of one spec together, or refuses and says why."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from tests.conftest import write_log

from learnorder.cli import main
from learnorder.errors import LearnOrderError, LogBusy, LogDamaged, SpecDiffers
from learnorder.log.compact import compact_log
from learnorder.log.creation import plan_replicates
from learnorder.log.description import describe
from learnorder.log.layout import read_header
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.resume import load_state, save_state
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


@pytest.fixture
def two(tmp_path):
    """Logs of the same spec, of seeds 0 to 2 and 3 to 4."""
    return [
        write_log(tmp_path / "a.zarr", range(3)),
        write_log(tmp_path / "b.zarr", range(3, 5), shift=1),
    ]


def test_replicates_of_both_are_there_and_unchanged(two, tmp_path):
    out = tmp_path / "out.zarr"
    compact_log(two[1])
    report = merge_logs(two, out)
    assert (report.seeds, report.warnings) == ([0, 1, 2, 3, 4], [])
    merged = open_log(out)["train"]
    for path in two:
        part = open_log(path)["train"]
        assert np.array_equal(merged.sel(replicate=part.replicate).prediction, part.prediction)
    assert (verify_log(out).problems, verify_log(out).orphans) == ([], [])
    assert all(verify_log(path).problems == [] for path in two)


def test_merged_log_can_be_continued(two, tmp_path):
    out = tmp_path / "out.zarr"
    votes = {name: np.zeros(n, np.uint8) for name, n in (("train", 40), ("test", 24))}
    with ReplicateWriter(two[1], 9, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(9, 0, 1.0, votes))
        save_state(two[1], 9, {"w": np.ones(2)}, {"epoch": 1})
    plan_replicates(two[0], [11])
    merge_logs(two, out)
    states = {r["seed"]: r["status"] for r in describe(open_log(out))["replicates"]}
    assert states == {**dict.fromkeys(range(5), "finished"), 9: "interrupted", 11: "planned"}
    assert load_state(out, 9) is not None
    with ReplicateWriter(out, 9, [1.0, 2.0], {}) as writer:
        assert writer.n_committed == 1
        writer.write(EpochPredictions(9, 1, 2.0, votes))
        writer.finish()
    assert verify_log(out).problems == []


def test_same_seed_with_the_same_predictions_counts_once_and_is_named(two, tmp_path):
    longer = tmp_path / "c.zarr"
    shutil.copytree(two[0], longer)
    votes = {name: np.zeros(n, np.uint8) for name, n in (("train", 40), ("test", 24))}
    with ReplicateWriter(longer, 1, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.write(EpochPredictions(1, 3, 4.0, votes))
        writer.finish()
    report = merge_logs([two[0], longer], tmp_path / "out.zarr")
    assert report.seeds == [0, 1, 2]
    assert [w.split(" is in ")[0] for w in report.warnings] == ["seed 0", "seed 1", "seed 2"]
    counts = [r["epochs"]["test"] for r in describe(open_log(tmp_path / "out.zarr"))["replicates"]]
    assert counts == [3, 4, 3]


def test_same_seed_with_other_predictions_is_refused_and_named(tmp_path):
    logs = [write_log(tmp_path / f"{i}.zarr", range(2), shift=i) for i in range(2)]
    with pytest.raises(LearnOrderError, match=r"for seed 0 \(first: prediction of split"):
        merge_logs(logs, tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()


def test_same_predictions_under_two_seeds_are_warned_of(tmp_path):
    logs = [write_log(tmp_path / f"{s}.zarr", range(s, s + 1)) for s in range(2)]
    (warning,) = merge_logs(logs, tmp_path / "out.zarr").warnings
    assert "seeds 0 and 1 hold the same predictions" in warning


def test_logs_of_other_specs_are_refused_saying_where_they_differ(two, tmp_path, monkeypatch):
    import tests.conftest as shared

    real = shared.NewLog

    def other(spec, identity, *rest):
        return real({"architecture": {"name": "lenet"}}, "another", *rest)

    monkeypatch.setattr(shared, "NewLog", other)
    third = write_log(tmp_path / "c.zarr", range(7, 8))
    with pytest.raises(SpecDiffers, match=r"architecture.name is 'mlp' in the first and 'lenet'"):
        merge_logs([two[0], third], tmp_path / "out.zarr")


def test_damaged_log_is_refused_and_the_file_named(two, tmp_path):
    chunk = sorted(two[1].glob("replicates/r0003/attempt-*/segment-*/test/c.*"))[0]
    chunk.write_bytes(b"")
    with pytest.raises(LogDamaged, match=r"r0003.*test/c\.0\.0"):
        merge_logs(two, tmp_path / "out.zarr")
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []


def test_log_being_written_is_refused(two, tmp_path):
    with (
        ReplicateWriter(two[0], 1, [1.0, 2.0, 3.0], {}),
        pytest.raises(LogBusy, match="replicate 1 of"),
    ):
        merge_logs(two, tmp_path / "out.zarr")


@pytest.mark.parametrize("places", [[0], [0, 0]])
def test_one_log_or_one_twice_is_no_merge(two, tmp_path, places):
    with pytest.raises(LearnOrderError, match=r"1 log given|given twice"):
        merge_logs([two[i] for i in places], tmp_path / "out.zarr")


def test_nothing_is_overwritten(two, tmp_path):
    with pytest.raises(LearnOrderError, match="exists"):
        merge_logs(two, two[0])


def test_command_says_what_is_there_and_warns(two, tmp_path):
    out = tmp_path / "out.zarr"
    shutil.copytree(two[0], tmp_path / "copy.zarr")
    done = CliRunner().invoke(
        main, ["merge", *map(str, two), str(tmp_path / "copy.zarr"), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "5 replicates from 3 logs, all verified" in done.output
    assert "warning: seed 0 is in" in done.output


def test_it_works_on_another_file_system(two, tmp_path):
    out = f"memory://{tmp_path.name}/out.zarr"
    assert merge_logs(two, out).seeds == [0, 1, 2, 3, 4]
    assert (verify_log(out).problems, verify_log(out).orphans) == ([], [])
    merged = open_log(out)["test"].sel(replicate=range(3))
    assert np.array_equal(merged.prediction, open_log(two[0])["test"].prediction)


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_copy_that_went_wrong_leaves_nothing(two, tmp_path, kind, monkeypatch):
    import learnorder.log.merge as module

    out = tmp_path / "out.zarr" if kind == "local" else f"memory://{tmp_path.name}/bad.zarr"
    real = module.read_bytes

    def spoilt(path):
        content = real(path)
        return content[:-1] + b"x" if path.name == "c.1.0" else content

    with monkeypatch.context() as patch:
        patch.setattr(module, "read_bytes", spoilt)
        with pytest.raises(LogDamaged, match=r"c\.1\.0"):
            merge_logs(two, out)
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []
    assert merge_logs(two, out).seeds == [0, 1, 2, 3, 4]


def test_log_that_appears_meanwhile_is_not_called_merged(two, tmp_path, monkeypatch):
    import learnorder.log.merge as module

    out, real = tmp_path / "out.zarr", module._copy_shared

    def copy(log, folder):
        found = real(log, folder)
        write_log(out, range(7, 8))
        return found

    monkeypatch.setattr(module, "_copy_shared", copy)
    with pytest.raises(LearnOrderError, match="another log has appeared"):
        merge_logs(two, out)
    assert open_log(out)["test"].replicate.values.tolist() == [7]


def test_finished_replicate_is_preferred_to_a_longer_unfinished_one(two, tmp_path):
    longer = tmp_path / "c.zarr"
    shutil.copytree(two[0], longer)
    votes = {name: np.zeros(n, np.uint8) for name, n in (("train", 40), ("test", 24))}
    with ReplicateWriter(longer, 1, [1.0, 2.0, 3.0, 4.0, 5.0], {}) as writer:
        writer.write(EpochPredictions(1, 3, 4.0, votes))
    # a finished replicate that is being continued counts as finished, with more epochs
    assert merge_logs([two[0], longer], tmp_path / "out.zarr").seeds == [0, 1, 2]
    states = describe(open_log(tmp_path / "out.zarr"))["replicates"]
    assert [(r["status"], r["epochs"]["test"]) for r in states] == [
        ("finished", 3),
        ("finished", 4),
        ("finished", 3),
    ]


def test_command_refuses_the_memory_of_its_own_process(two):
    done = CliRunner().invoke(main, ["merge", *map(str, two), "--out", "memory://x"])
    assert done.exit_code == 1
    assert "would be gone with it" in done.stderr


def test_provenance_of_each_log_is_kept_and_differing_versions_are_told(two, tmp_path):
    header = read_header(two[0])
    with ReplicateWriter(two[1], 9, [1.0], {"torch": "2.14"}) as writer:
        votes = {name: np.zeros(n, np.uint8) for name, n in (("train", 40), ("test", 24))}
        writer.write(EpochPredictions(9, 0, 1.0, votes))
        writer.finish()
    assert describe(open_log(two[0]))["notes"] == []
    merge_logs(two, tmp_path / "out.zarr")
    merge_logs([tmp_path / "out.zarr", two[0]], tmp_path / "again.zarr")
    content = describe(open_log(tmp_path / "again.zarr"))
    assert content["provenance"]["merged"] == [dict(header.provenance)] * 3
    assert content["notes"] == [
        "replicates were made with different versions of torch: None (seeds 0, 1, 2, 3, 4); "
        "2.14 (seed 9)"
    ]
    text = CliRunner().invoke(main, ["info", str(tmp_path / "again.zarr")]).output
    assert "different versions of torch" in text
    assert "3 logs" in text


def test_place_inside_a_log_is_refused(two, tmp_path):
    with pytest.raises(LearnOrderError, match=r"lies inside the log .*a\.zarr"):
        merge_logs(two, two[0] / "examples" / "merged.zarr")
