"""Whatever happens to a file of a log, reading that part raises; nothing wrong comes back."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from learnorder.errors import LearnOrderError
from learnorder.log.reader import open_log
from learnorder.log.resume import load_state, save_state


def read_everything(path):
    """Everything a user can read of a log, as comparable values."""
    log = open_log(path)
    content = []
    for split in log:
        data = log[split]
        content += [data.prediction.values.tobytes(), data.label.values.tobytes()]
        content += [data.example.values.tobytes(), str(data.attrs)]
    return content


def committed_files(path):
    """Files that hold something a reader needs."""
    kinds = ("examples/*/*/*", "replicates/*/attempt-*/**/*")
    files = [f for kind in kinds for f in path.glob(kind) if f.is_file()]
    groups = [f for f in files if f.name == "zarr.json" and '"group"' in f.read_text()]
    return [path / "zarr.json", *(f for f in files if f not in groups)]


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


DAMAGES = {
    "flipped bit": flip,
    "truncated": lambda f: f.write_bytes(f.read_bytes()[: f.stat().st_size // 2]),
    "emptied": lambda f: f.write_bytes(b""),
    "zeroed": lambda f: f.write_bytes(bytes(f.stat().st_size)),
    "missing": lambda f: f.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_never_reads_as_other_data(tiny_log, tmp_path, damage):
    intact = read_everything(tiny_log)
    files = committed_files(tiny_log)
    assert len(files) > 30
    raised = 0
    for number, file in enumerate(files):
        copy = tmp_path / f"{number}.zarr"
        shutil.copytree(tiny_log, copy)
        damaged = copy / file.relative_to(tiny_log)
        DAMAGES[damage](damaged)
        try:
            content = read_everything(copy)
        except LearnOrderError as error:
            assert "\n" not in str(error)
            raised += 1
        else:
            # without its outcome a replicate is interrupted, and named among those left out
            gone = damage == "missing" and damaged.name == "outcome.json"
            assert gone or content == intact, damaged
        shutil.rmtree(copy)
    assert raised > len(files) // 2


def test_swapped_epochs_are_noticed(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    first, second = sorted(copy.glob("replicates/r0000/attempt-*/segment-*/test/c.*"))[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(LearnOrderError, match=r"c\.\d\.0 differs from the commit record"):
        open_log(copy)["test"].prediction.values  # noqa: B018


def test_replicate_under_another_seed_is_noticed(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    shutil.copytree(copy / "replicates/r0001", copy / "replicates/r0009")
    with pytest.raises(LearnOrderError, match=r"r0009.* is the record of replicate 1"):
        open_log(copy)["test"]


def test_two_attempts_with_committed_epochs_are_refused(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    (attempt,) = copy.glob("replicates/r0001/attempt-*")
    shutil.copytree(attempt, attempt.with_name("attempt-other"))
    with pytest.raises(LearnOrderError, match="replicate 1 has 2 attempts"):
        open_log(copy)["test"]


def test_resume_state_round_trips_and_damage_only_costs_time(tmp_path):
    arrays = {"network/w": np.arange(6.0).reshape(2, 3), "optimizer/0/step": np.float32(3)}
    save_state(tmp_path, 4, arrays, {"step": 12, "identity": "i"})
    loaded = load_state(tmp_path, 4)
    assert loaded is not None
    assert loaded[1] == {"step": 12, "identity": "i"}
    assert all(np.array_equal(loaded[0][k], arrays[k]) for k in arrays)
    (file,) = (tmp_path / "resume").iterdir()
    for damage in DAMAGES.values():
        save_state(tmp_path, 4, arrays, {"step": 12})
        damage(file)
        assert load_state(tmp_path, 4) is None
