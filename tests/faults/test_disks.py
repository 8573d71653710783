"""A disk that is really full, and a log that may really not be written to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from log_operations import NAME, finished_log, new_log, write
from tally import LONG, SEED, part

HERE = Path(__file__).parent
OWN_USER = ["unshare", "--user"]
"""Without a map of users the process is nobody, and permissions hold even for what root started."""

OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]
MOUNT = 'mount -t tmpfs -o size=2m,nr_inodes=1500 none "$1" && exec "$2" "$3" "$1" "$4"'


def require(command: list[str]) -> None:
    """Skip, visibly, where the system does not allow name spaces."""
    if shutil.which(command[0]) is None or subprocess.run(command, check=False).returncode:
        pytest.skip(f"`{' '.join(command)}` is not allowed here")


def test_full_disk_stops_every_operation_with_one_line_and_it_goes_on_once_there_is_space(tmp_path):
    require([*OWN_DISK, "mount", "-t", "tmpfs", "none", str(tmp_path)])
    with part("a full disk") as counts:
        done = subprocess.run(
            [*OWN_DISK, "sh", "-ec", MOUNT, "sh", tmp_path, sys.executable, HERE / "fill_disk.py",
             "0" if LONG else "1"],
            stdout=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "LEARNORDER_FAULTS_SEED": str(SEED)},
        )  # fmt: skip
        assert done.returncode == 0
        counts.merge(json.loads(done.stdout.splitlines()[-1]))
        assert counts.faults


SPEC = """
[dataset]
name = "digits"
train_limit = 100
test_limit = 50
[architecture]
name = "linear"
[training]
epochs = 1
"""

COMMANDS = """
import json, os, sys
from click.testing import CliRunner
from learnorder.cli import main
said = []
for command in json.loads(sys.argv[1]):
    done = CliRunner().invoke(main, command)
    said.append([done.exit_code, done.stdout, done.stderr, repr(done.exception)])
print(json.dumps([os.getuid(), said]))
"""


@pytest.fixture
def read_only(tmp_path):
    """Return a folder that nobody may write to: an empty one, a whole log, one with remains."""
    folder = tmp_path / "read only"
    (folder / "empty").mkdir(parents=True)
    finished_log(folder, lambda *_: None)
    new_log(folder / "remains.zarr")
    write(folder / "remains.zarr", 0, 3, lambda *_: None, stop_after=2)
    (folder / "remains.zarr/replicates/r0000/claim.0123.partial").write_text("half")
    (tmp_path / "spec.toml").write_text(SPEC)
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in paths:
        if path.is_dir():
            path.chmod(0o755)


def run_as_nobody(commands: list[list[object]]) -> list[list[object]]:
    """Run commands in one process that root's powers do not reach."""
    prefix = OWN_USER if os.geteuid() == 0 else []
    if prefix:
        require([*prefix, "true"])
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run(
        [*prefix, sys.executable, "-c", COMMANDS, words],
        stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    user, said = json.loads(done.stdout.splitlines()[-1])
    assert user != 0
    return said


def content(folder: Path) -> dict[str, object]:
    """Everything below a folder, with the times of the files."""
    return {
        str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else None)
        for p in sorted(folder.rglob("*"))
    }


def test_read_only_log_is_read_by_every_command_that_only_reads(read_only):
    log, before = read_only / NAME, content(read_only)
    commands = [
        ["info", log],
        ["verify", log],
        ["verify", read_only / "remains.zarr"],
        ["measure", log],
        ["gc", log, "--dry-run"],
    ]
    for command, (code, _, stderr, error) in zip(commands, run_as_nobody(commands), strict=True):
        assert code == 0, (command, stderr, error)
    assert content(read_only) == before


def test_read_only_log_is_refused_in_one_line_and_left_as_it_is(read_only):
    log, before = read_only / NAME, content(read_only)
    spec = read_only.parent / "spec.toml"
    commands = [
        ["compact", log],
        ["gc", read_only / "remains.zarr"],
        ["merge", log, read_only / "remains.zarr", "--out", read_only / "merged.zarr"],
        ["train", spec, "--seeds", "0:1", "--out", read_only / "new.zarr"],
        ["train", spec, "--seeds", "0:1", "--out", read_only / "empty"],
    ]
    for command, (code, stdout, stderr, error) in zip(
        commands, run_as_nobody(commands), strict=True
    ):
        assert code == 1, (command, stdout, stderr, error)
        last = stderr.strip().splitlines()[-1]
        assert last.startswith("learnorder: "), stderr
        assert "Traceback" not in stderr
        assert str(read_only) in last
        assert "may not be written to" in last or "Permission denied" in last
    assert content(read_only) == before
