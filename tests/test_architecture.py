"""Data moves in one direction: a stage imports only stages before it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import learnorder

PACKAGE = Path(learnorder.__file__).parent
WALK = [
    "errors",
    "schema",
    "notebook",
    "ids",
    "written",
    "datasets",
    "training",
    "log",
    "recording",
    "adapters",
    "collection",
    "measures",
    "comparison",
    "ranking",
    "report",
    "exchange",
    "claims",
    "cli",
]
FORBIDDEN = {
    "training": {"log"},
    "log": {"datasets", "training"},
    "recording": {"training"},
    "adapters": {"datasets", "training", "log"},
    "measures": {"datasets", "training", "log", "collection"},
    "comparison": {"datasets", "training", "log", "collection"},
    "ranking": {"datasets", "training", "log", "collection", "comparison"},
}
"""Stricter than the order of the walk: stages that must be separable."""

ONLY_IN = {
    "torch": {"training", "collection", "adapters"},
    "zarr": {"log"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
}
"""Libraries that belong to one stage (the workers of a collection set torch's threads)."""

SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def imports(source: str) -> set[str]:
    """Absolute names of all modules that a source imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def violations(stage: str, source: str) -> list[str]:
    """Imports a module of this stage must not have."""
    wrong = []
    for name in imports(source):
        parts = name.split(".")
        if parts[0] in ONLY_IN and stage not in ONLY_IN[parts[0]]:
            wrong.append(name)
        if parts[0] != "learnorder" or len(parts) < 2 or parts[1] not in WALK:
            continue
        later = WALK.index(parts[1]) > WALK.index(stage)
        if later or parts[1] in FORBIDDEN.get(stage, set()):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path):
    stage = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if stage in ("__init__", "__main__"):
        return  # the table of contents names every stage
    assert violations(stage, path.read_text()) == []


@pytest.mark.parametrize(
    ("stage", "source"),
    [
        ("schema", "import learnorder.report.render"),
        ("schema", "from learnorder.report import render"),
        ("schema", "from learnorder import report"),
        ("measures", "def f():\n    from learnorder.log.reader import open_log"),
        ("log", "import torch"),
        ("report", "import zarr.codecs"),
    ],
)
def test_the_test_can_fail(stage, source):
    assert violations(stage, source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path):
    source = path.read_text()
    assert len(source.splitlines()) <= 450, "does the file still hold one idea?"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 45, f"{node.name} has {length} lines"


def test_every_stage_is_in_the_walk():
    stages = {p.name.removesuffix(".py") for p in PACKAGE.iterdir() if not p.name.startswith("_")}
    assert stages - {"py.typed"} == set(WALK)


def test_nothing_is_read_through_pickle():
    for path in SOURCES:
        source = path.read_text()
        assert "allow_pickle=True" not in source, path
        assert "torch.load" not in source, path
        assert not {"pickle", "joblib", "dill"} & {n.split(".")[0] for n in imports(source)}, path
