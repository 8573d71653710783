"""Reading, measuring and reporting never load torch; a glance at the help loads next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "sklearn", "pyarrow", "datasets", "tokenizers", "matplotlib", "xarray", "zarr"}

PROBE = """
import sys
sys.argv = {argv}
try:
    {statement}
except SystemExit:
    pass
import json
print("LOADED" + json.dumps(sorted({{m.split(".")[0] for m in sys.modules}})))
"""


def loaded(statement: str, *argv: str) -> set[str]:
    """Top-level modules a fresh interpreter has after a statement."""
    code = PROBE.format(statement=statement, argv=["learnorder", *argv])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.rsplit("LOADED", 1)[1]))


CLI = "from learnorder.cli import main; main()"


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (["--help"], set()),
        (["train", "--help"], set()),
        (["info", "LOG"], {"xarray", "zarr", "pyarrow"}),
        (["verify", "LOG"], {"xarray", "zarr", "pyarrow"}),
        (["measure", "LOG"], {"xarray", "zarr", "pyarrow"}),
        (["plan", "LOG"], {"xarray", "zarr", "pyarrow"}),
        (["rank", "LOG"], {"xarray", "zarr", "pyarrow"}),
        (["compare", "LOG", "SAME"], {"xarray", "zarr", "pyarrow"}),
        (["report", "LOG", "--out", "OUT"], {"xarray", "zarr", "matplotlib", "pyarrow"}),
        (["measures"], {"xarray", "pyarrow"}),
        (["architectures"], set()),
        (["datasets"], set()),
        (["reproduce", "--list"], set()),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_command_loads_no_more_than_it_needs(argv, allowed, tiny_log, tiny_log_twin, tmp_path):
    places = {"LOG": str(tiny_log), "SAME": str(tiny_log_twin), "OUT": str(tmp_path / "r.html")}
    found = loaded(CLI, *(places.get(word, word) for word in argv))
    # pandas, which xarray loads, looks for pyarrow on its own
    assert found & HEAVY <= allowed


def test_package_itself_is_light():
    assert not loaded("import learnorder") & (HEAVY | {"numpy", "pydantic", "rich", "scipy"})


def test_process_that_starts_the_workers_does_not_load_torch():
    assert "torch" not in loaded("import learnorder.collection.train")


def test_every_public_name_can_be_had():
    import learnorder

    for name in learnorder.__all__:
        assert getattr(learnorder, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = learnorder.no_such_name


def test_the_package_lists_its_public_names_alone_and_every_error():
    import learnorder
    from learnorder import errors

    assert dir(learnorder) == sorted(learnorder.__all__)
    own = (v for v in vars(errors).values() if getattr(v, "__module__", None) == errors.__name__)
    kinds = {v.__name__ for v in own if isinstance(v, type)}
    assert "LogDamaged" in kinds
    assert kinds <= set(learnorder.__all__)
    assert learnorder.LogDamaged is errors.LogDamaged


def test_the_probe_can_fail():
    assert "torch" in loaded("import torch")
