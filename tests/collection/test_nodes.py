"""What a node does before it trains: it compares the code, and has the data once."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from learnorder.collection.engines import node_inputs
from learnorder.collection.engines.chunk import Outcome
from learnorder.collection.engines.cluster import chunk_of
from learnorder.collection.engines.code import code_of, refuse_other_code
from learnorder.collection.engines.contract import Work
from learnorder.collection.engines.node_inputs import inputs_on_node, remove_unused
from learnorder.collection.engines.on_node import run_chunk
from learnorder.collection.engines.resources import Resources
from learnorder.collection.prepare import prepare
from learnorder.errors import LearnOrderError


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Let the temporary folder of a node be one of this test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(node_inputs.tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def fetch(folder):
    (folder / "a").write_text("data")


def test_data_are_fetched_once_and_go_with_the_last_who_uses_them(temporary):
    with inputs_on_node("x", fetch) as (first, fetched):
        assert fetched
        with inputs_on_node("x", lambda _: pytest.fail("fetched twice")) as (second, again):
            assert (second, again) == (first, False)
            assert (second / "a").read_text() == "data"
        assert first.exists()
        remove_unused(first)
        assert first.exists(), "it is in use"
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_that_fetches(temporary):
    code = (
        "import os, sys\n"
        "from learnorder.collection.engines.node_inputs import inputs_on_node\n"
        "with inputs_on_node('old', lambda f: (f / 'a').write_text('x')):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False)
    assert any(p.name.endswith("-old") for p in temporary.iterdir())
    with inputs_on_node("new", fetch):
        assert not any(p.name.endswith("-old") for p in temporary.iterdir())


def test_what_was_killed_while_it_was_fetched_or_removed_is_never_taken_for_whole(temporary):
    code = (
        "import os\n"
        "from learnorder.collection.engines.node_inputs import inputs_on_node\n"
        "def fetch(folder):\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), 9)\n"
        "with inputs_on_node('x', fetch): pass\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False)
    assert any("-x." in p.name and p.is_dir() for p in temporary.iterdir())
    with inputs_on_node("x", fetch) as (folder, fetched):
        assert fetched
        assert [p.name for p in folder.iterdir()] == ["a"]
    assert list(temporary.iterdir()) == []


def test_data_that_cannot_be_fetched_leave_nothing_and_say_where(temporary):
    def full(folder):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(LearnOrderError, match=r"cannot write .*No space left.* TMPDIR on the nodes"),
        inputs_on_node("x", full),
    ):
        pass
    assert [p.name for p in temporary.iterdir() if not p.name.endswith(".lock")] == []


def test_a_node_with_other_code_is_refused_and_all_that_differs_is_named(make_spec, networks):
    spec = make_spec("own_networks:slow")
    ours = code_of(spec)
    assert {"learnorder", "torch", "numpy", "python", "source", "architecture"} <= set(ours)
    refuse_other_code(ours, dict(ours), "n")
    theirs = {**ours, "torch": "1.0", "source": "0"}
    with pytest.raises(
        LearnOrderError, match=r"node n runs other code .* source is .*, not 0; "
    ) as r:
        refuse_other_code(theirs, ours, "n")
    assert f"torch is {ours['torch']}, not 1.0" in str(r.value)


def test_digest_of_ones_own_network_follows_its_file(make_spec, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    spec, found = make_spec("changing:net"), []
    for text in ("net = 1", "net = 2"):
        (tmp_path / "changing.py").write_text(text)
        found.append(code_of(spec)["architecture"])
    assert found[0] != found[1]
    assert code_of(make_spec("no_such_module:net"))["architecture"] == "not found"


def test_chunk_is_refused_in_one_line_where_data_or_code_are_missing(
    tmp_path, digits, make_spec, networks
):
    prepared = prepare(make_spec("linear", augmentation={}), digits)
    work = Work(prepared.spec, prepared.identity, tmp_path, tmp_path, lambda _: None, 1)
    chunk = chunk_of(work, {"folder": str(tmp_path / "nowhere")})
    outcome = Outcome.from_text(run_chunk(chunk.to_text()))
    assert "does not see" in (outcome.refused or "")
    assert "--shared" in (outcome.refused or "")
    other = replace(chunk, code={**chunk.code, "numpy": "0.1"})
    outcome = Outcome.from_text(run_chunk(other.to_text()))
    assert "not 0.1. The same code gives the same bytes" in (outcome.refused or "")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"cpus": 0}, "cpus"),
        ({"gpus": -1}, "gpus"),
        ({"gpus": 1.5}, "gpus"),
        ({"cpus": float("inf")}, "cpus"),
        ({"memory_gb": float("nan")}, "memory_gb"),
        ({"memory_gb": 0}, "memory_gb"),
        ({"cpus": "1"}, "cpus"),
    ],
)
def test_resources_that_are_none_are_refused(given, name):
    with pytest.raises(LearnOrderError, match=f"{name} = "):
        Resources(**given)


def test_cards_go_with_the_device(make_spec):
    on_cpu = make_spec("linear", augmentation={})
    on_card = make_spec("linear", augmentation={}, execution={"device": "cuda"})
    Resources().check(on_cpu)
    Resources(gpus=0.5).check(on_card)
    for resources, spec in ((Resources(gpus=1), on_cpu), (Resources(), on_card)):
        with pytest.raises(LearnOrderError, match=r"gpus = \d for a replicate, and"):
            resources.check(spec)
