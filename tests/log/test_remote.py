"""A log lives where its URL says, as it does in a local folder; odd places do no harm."""

from __future__ import annotations

import contextlib
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest
import zarr

from learnorder.collection.train import train_collection
from learnorder.errors import ExtraMissing, LearnOrderError, LogDamaged, LogNotFound, SpecDiffers
from learnorder.log import files, layout
from learnorder.log.creation import NewLog, create_log, is_vacant, plan_replicates
from learnorder.log.description import describe
from learnorder.log.garbage import collect_garbage
from learnorder.log.location import address, from_address, locate
from learnorder.log.reader import open_log
from learnorder.log.resume import drop_state, load_state, save_state
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples, Previews
from learnorder.training.spec import TrainingSpec

GRID = [1.0, 2.0, 3.0]
SIZES = {"train": 9, "test": 5}


@pytest.fixture(params=["local", "file", "memory"])
def place(request, tmp_path):
    """Return the same log in three kinds of places, as a user writes them."""
    if request.param == "local":
        return str(tmp_path / "runs" / "log.zarr")
    if request.param == "file":
        return (tmp_path / "runs" / "log.zarr").as_uri()
    return f"memory://{uuid.uuid4().hex}/log.zarr"


def new_log(place, identity="identity", take_over=False):
    """Create a log with previews, at what a user gives."""
    about = {"name": "d", "kind": "text", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    splits = {}
    for name, n in SIZES.items():
        ids = np.array([f"{name}-{i}" for i in range(n)])
        shown = Previews(np.arange(2), texts=("one", "zwölf"))
        splits[name] = (Examples(ids, np.arange(n) % 3), shown)
    create_log(place, NewLog({}, identity, about, {"learnorder": "0"}, splits), take_over=take_over)
    return locate(place)


def predictions(seed, index):
    rng = np.random.default_rng([seed, index])
    votes = {split: rng.integers(0, 3, n).astype(np.uint8) for split, n in SIZES.items()}
    return EpochPredictions(seed, index, GRID[index], votes)


def write(log, seed, indices, **how):
    with ReplicateWriter(log, seed, GRID, {"learnorder": "0"}, "identity", **how) as writer:
        for index in indices:
            writer.write(predictions(seed, index))
        if writer.n_committed == len(GRID):
            writer.finish()


def test_whole_life_of_a_log(place):
    log = new_log(place)
    assert new_log(place) == log
    with pytest.raises(SpecDiffers, match="identity identity, not other"):
        new_log(place, identity="other")
    plan_replicates(log, [0, 1, 2])
    write(log, 0, [0, 1])
    assert describe(open_log(place))["replicates"][0]["status"] == "interrupted"
    write(log, 0, [0, 1, 2])
    write(log, 1, [0, 1, 2])
    opened = open_log(place)
    assert (opened.name, opened["test"].attrs["n_replicates_planned"]) == ("log", 3)
    assert [r["status"] for r in describe(opened)["replicates"]] == ["finished"] * 2 + ["planned"]
    assert opened["test"].example.values.tolist() == [f"test-{i}" for i in range(5)]
    assert opened.previews("test").texts == ("one", "zwölf")
    for split in SIZES:
        stored = opened[split].prediction.values
        for seed in (0, 1):
            for index in range(len(GRID)):
                expected = predictions(seed, index).predictions[split]
                assert np.array_equal(stored[seed, index], expected)
    found = verify_log(place)
    assert (found.problems, found.orphans, found.n_epochs) == ([], [], 2 * 3)


def test_damage_is_named_wherever_the_log_is(place):
    log = new_log(place)
    write(log, 0, [0, 1, 2])
    (chunk,) = log.glob("replicates/r0000/attempt-*/segment-*/test/c.1.0")
    content = files.read_bytes(chunk)
    files.write_durably(chunk, content[:-1] + bytes([content[-1] ^ 1]))
    assert any("c.1.0" in problem.file for problem in verify_log(place).problems)
    with pytest.raises(LogDamaged, match=r"c\.1\.0"):
        open_log(place)["test"].prediction.values  # noqa: B018
    files.remove(chunk)
    with pytest.raises(LogDamaged, match=r"c\.1\.0"):
        open_log(place)["test"].prediction.values  # noqa: B018


def test_state_is_kept_wherever_the_log_is(place):
    log = new_log(place)
    assert load_state(log, 0) is None
    save_state(log, 0, {"weight": np.arange(3.0)}, {"step": 4})
    arrays, about = load_state(log, 0)
    assert (arrays["weight"].tolist(), about) == ([0.0, 1.0, 2.0], {"step": 4})
    drop_state(log, 0)
    drop_state(log, 0)
    assert load_state(log, 0) is None


def test_the_same_files_lie_at_each_place(tmp_path):
    names = []
    for place in (tmp_path / "log.zarr", f"memory://{uuid.uuid4().hex}/log.zarr"):
        log = new_log(place)
        write(log, 0, [0, 1, 2])
        found = [p.relative_to(log).as_posix() for p in log.rglob("*") if p.is_file()]
        long = {part for name in found for part in name.split("/") if "-" in part}
        random = {part: part.rpartition("-")[0] for part in long}
        names.append(
            sorted("/".join(random.get(part, part) for part in name.split("/")) for name in found)
        )
    # an empty lock file is all that only a local folder has
    assert [n for n in names[0] if n != "replicates/r0000/claim"] == names[1]


def test_other_tools_open_a_log_at_a_url():
    place = f"memory://{uuid.uuid4().hex}/log.zarr"
    write(new_log(place), 0, [0, 1, 2])
    labels = zarr.open_group(place, mode="r")["examples/test/label"]
    assert labels[:].tolist() == [0, 1, 2, 0, 1]


def test_something_else_at_the_place_is_never_overwritten(place):
    log = locate(place)
    files.make_folder(log)
    files.write_durably(log / "precious.txt", b"mine")
    with pytest.raises(LearnOrderError, match="exists and is no log of learnorder"):
        new_log(place)
    assert [p.name for p in log.iterdir()] == ["precious.txt"]


def test_there_is_no_log_at_the_place(place):
    with pytest.raises(LogNotFound, match="does not exist"):
        open_log(place)
    assert is_vacant(locate(place))


def test_half_created_log_elsewhere_is_no_log_and_can_be_taken_over(monkeypatch):
    place = f"memory://{uuid.uuid4().hex}/log.zarr"
    log = locate(place)
    written = []

    def die_before_the_third_file(path, content):
        written.append(path)
        if len(written) > 3:
            raise KeyboardInterrupt
        files.write_durably(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("learnorder.log.arrays.write_durably", die_before_the_third_file)
        patch.setattr("learnorder.log.claim._Token.release", lambda self: None)
        with pytest.raises(KeyboardInterrupt):
            new_log(place)
    assert len(list(log.rglob("*"))) > 2
    with pytest.raises(LogNotFound, match="is no log of learnorder"):
        open_log(place)
    with pytest.raises(LearnOrderError, match=r"the new log .* is claimed by process .*take-over"):
        new_log(place)
    new_log(place, take_over=True)
    write(log, 0, [0, 1, 2])
    found = verify_log(place)
    assert (found.problems, found.orphans) == ([], [])


def test_log_that_lost_its_header_is_never_created_anew():
    place = f"memory://{uuid.uuid4().hex}/log.zarr"
    log = new_log(place)
    write(log, 0, [0])
    files.remove(log / "zarr.json")
    files.write_new(log / "claim.json", b"")
    with pytest.raises(LearnOrderError, match="exists and is no log"):
        new_log(place, take_over=True)
    assert (log / "replicates" / "r0000").exists()


def test_training_into_the_memory_of_one_process_is_refused():
    spec = {"dataset": {"name": "digits"}, "architecture": {"name": "mlp"}}
    with pytest.raises(LearnOrderError, match=r"memory of this process.*local folder") as info:
        train_collection(TrainingSpec.from_tables(spec), out="memory://x/log.zarr")
    assert len(str(info.value).splitlines()) == 1


def test_format_1_is_read_and_a_newer_one_refused(place):
    log = new_log(place)
    root = files.read_bytes(log / "zarr.json")
    files.write_durably(
        log / "zarr.json", root.replace(b'"format_version": 3', b'"format_version": 9')
    )
    with pytest.raises(LearnOrderError, match=r"format 9, written by learnorder 0; .* 1 to 3"):
        open_log(place)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("s4://bucket/log", "unknown protocol 's4'"),
        ("memory://", "names no folder"),
        ("memory:/x", "one slash after its protocol"),
        (Path("memory://x"), "one slash after its protocol"),
        ("simplecache::memory://x", "chains file systems"),
        ("memory://logs/[1]", r"contains '\['"),
        ("file://runs/log.zarr", "no absolute path"),
        ("", "names no place"),
        ("a\0b", "names no place"),
        (None, "names no place"),
        (3, "names no place"),
        (b"log", "names no place"),
    ],
)
def test_place_that_cannot_be_is_one_clear_line(given, complaint):
    with pytest.raises(LearnOrderError, match=complaint) as info:
        open_log(given)
    assert len(str(info.value).splitlines()) == 1
    with pytest.raises(LearnOrderError, match=complaint):
        new_log(given)


@pytest.mark.parametrize("hidden", ["upath", "fsspec"])
def test_without_the_extra_a_url_says_what_to_install(monkeypatch, tmp_path, hidden):
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(ExtraMissing, match=r"pip install 'learnorder\[remote\]'"):
        open_log("memory://x/log.zarr")
    write(new_log((tmp_path / "log.zarr").as_uri()), 0, [0, 1, 2])  # a local folder needs no extra


def test_library_of_a_file_system_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ExtraMissing, match="s3fs"):
        open_log("s3://bucket/log.zarr")


def test_error_of_the_library_of_a_file_system_is_an_error_of_the_system(monkeypatch):
    log = locate(f"memory://{uuid.uuid4().hex}/log.zarr")

    def broken(*_, **__):
        raise RuntimeError("no route\nto the store")

    monkeypatch.setattr(type(log.fs), "cat_file", broken)
    with pytest.raises(
        LearnOrderError, match=r"cannot be read \(RuntimeError: no route to the store"
    ):
        open_log(log)
    with pytest.raises(LearnOrderError, match="Whether there is a log cannot be known"):
        new_log(log)
    monkeypatch.setattr(type(log.fs), "pipe_file", broken)
    with pytest.raises(OSError, match="no route to the store"):
        files.write_durably(log / "x", b"")


ODD = ["two words", "日本語-ñ", "é", "x" * 200, "100%", "%41", "a#b?c", "-dash", "~", "a&b;c'"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", ["path", "string", "url"])
def test_odd_names_of_local_folders(tmp_path, name, kind):
    path = tmp_path / name
    given = {"path": path, "string": f"{path}/", "url": path.as_uri()}[kind]
    assert locate(given) == path
    if kind != "path" or len(name) == 200:
        write(new_log(given), 0, [0, 1, 2])
        assert open_log(given)["test"].sizes["epoch"] == 3
        assert verify_log(given).problems == []
        assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["two words", "日本語", "x" * 200, "100%", "a#b", "deep/er/"])
def test_odd_names_at_a_url(name):
    place = f"memory://{uuid.uuid4().hex}/{name}"
    log = new_log(place)
    write(log, 0, [0, 1, 2])
    assert open_log(place).name == Path(name).stem
    assert from_address(address(log)) == log
    assert verify_log(place).problems == []


def test_log_behind_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    write(new_log(f"{tmp_path}/link/log.zarr/"), 0, [0, 1, 2])
    (tmp_path / "straight").symlink_to(tmp_path / "disk" / "log.zarr")
    assert verify_log((tmp_path / "straight").as_uri()).problems == []


def test_home_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert locate("~/log.zarr") == tmp_path / "log.zarr"
    assert locate("./~/log.zarr") == Path("~/log.zarr")
    assert locate("~nobody-of-that-name/log") == Path("~nobody-of-that-name/log")


def test_seeds_are_planned_in_two_places(place):
    log = new_log(place)
    plan_replicates(log, [3, 12345])
    files.remove_tree(layout.replicate_folder(log, 3))
    files.remove(layout.seed_file(log, 12345))
    assert layout.planned_seeds(log) == [3, 12345]


def test_files_are_what_was_written(place):
    folder = locate(place)
    files.make_folder(folder)
    assert files.list_folder(folder / "nothing") == []
    for content in (b"", b"old", memoryview(b"new"), bytearray(b"newer")):
        files.write_durably(folder / "a", content)
        assert files.read_bytes(folder / "a") == bytes(content)
    files.write_new(folder / "b", b"first")
    with pytest.raises(FileExistsError):
        files.write_new(folder / "b", b"second")
    assert files.read_bytes(folder / "b") == b"first"
    assert [p.name for p in files.list_folder(folder)] == ["a", "b"]
    for _ in range(2):
        files.remove(folder / "a")
        files.remove_tree(folder)
    assert not folder.exists()


class UnansweredOnce:
    """The requests of a store, of which the n-th gets no answer."""

    def __init__(self, n):
        self.left = n

    def wrap(self, real):
        def request(*arguments, **options):
            self.left -= 1
            if self.left == -1:
                raise TimeoutError("no answer")
            return real(*arguments, **options)

        return request


def write_nothing(log):
    with ReplicateWriter(log, 0, GRID, {}):
        pass


@pytest.mark.parametrize(
    "touch",
    [collect_garbage, write_nothing, lambda log: plan_replicates(log, [0])],
    ids=["gc", "write", "plan"],
)
def test_one_unanswered_request_is_an_error_and_no_absence(touch, monkeypatch):
    """A store that does not answer once must not look like an empty one."""
    log = new_log(f"memory://{uuid.uuid4().hex}/log.zarr")
    write(log, 0, range(2))
    memory, n, answered, intact = type(log.fs), 0, False, None
    while not answered:
        store = UnansweredOnce(n)
        with monkeypatch.context() as patch:
            for name in ("ls", "info", "cat_file", "exists", "isdir", "isfile"):
                patch.setattr(memory, name, store.wrap(getattr(memory, name)))
            with contextlib.suppress(OSError, LearnOrderError):
                touch(log)
        files.remove(layout.claim_file(log, 0).with_name("claim.json"))
        content = {str(p): p.read_bytes() if p.is_file() else None for p in log.rglob("*")}
        if content != intact:  # looking at the same bytes once more takes long
            kept = open_log(log, unfinished=True)["train"]
            assert kept.epoch.values.tolist() == GRID[:2], n
            assert verify_log(log).problems == [], n
            intact = content
        answered = store.left >= 0
        n += 1
    assert n > 3


def test_compaction_that_lost_its_claim_changes_nothing(monkeypatch):
    from learnorder.log import compact
    from learnorder.log.claim import Claim
    from learnorder.log.compaction import Compaction

    log = new_log(f"memory://{uuid.uuid4().hex}/log.zarr")
    write(log, 0, range(3))
    with ReplicateWriter(log, 0, GRID, {}) as writer:
        writer.finish()
    real, taken = Compaction.check_epochs, []

    def taken_over(*arguments):
        real(*arguments)
        if not taken:
            taken.append(Claim(layout.claim_file(log, 0), "replicate 0", take_over=True))

    monkeypatch.setattr(Compaction, "check_epochs", taken_over)
    report = compact.compact_log(log)
    assert report.compacted == []
    assert "taken over" in report.left_out[0]
    taken[0].release()
    monkeypatch.undo()
    assert verify_log(log).problems == []
    assert compact.compact_log(log).compacted == [0]
    with Claim(layout.claim_file(log, 0), "dead"):
        assert "--take-over" in compact.compact_log(log).left_out[0]
        assert compact.compact_log(log, take_over=True).already == [0]
