"""The documentation is true: snippets run, examples run, references and links lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import re
import runpy
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

import learnorder
from learnorder.cli import WALK, main
from learnorder.errors import ExtraMissing
from learnorder.training.spec import TrainingSpec, known_keys

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/adapters").glob("*.md")),
    *sorted((ROOT / "docs/claims").glob("*.md")),
]
OF_FRAMEWORKS = pytest.mark.filterwarnings("ignore")
"""Frameworks warn of much that a short example may leave as it is."""

SNIPPETS = [
    pytest.param(
        page,
        snippet,
        id=f"{page.name}-{number}",
        marks=OF_FRAMEWORKS if page.parent.name == "adapters" else (),
    )
    for page in PAGES
    for number, snippet in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    )
]


@pytest.mark.parametrize(("page", "snippet"), SNIPPETS)
def test_snippet_runs_as_printed(page, snippet, tmp_path, monkeypatch, request):
    if snippet.startswith("# needs LEARNORDER_DATA"):
        request.getfixturevalue("data_dir")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        exec(compile(snippet, str(page), "exec"), {"__name__": "snippet"})
    except ExtraMissing as error:
        pytest.skip(str(error))


SHORT = {"mlp": range(3), "resnet-8": range(3, 6)}
"""Seeds of the demo, fewer than it has."""


def test_there_are_snippets():
    assert len(SNIPPETS) > 10


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Iterator[Path]:
    """A folder with the examples, in which help texts can be followed."""
    folder = tmp_path_factory.mktemp("workshop")
    shutil.copytree(ROOT / "examples", folder / "examples")
    spec = folder / "examples" / "digits_mlp.toml"
    assert "epochs = 8" in spec.read_text()
    spec.write_text(spec.read_text().replace("epochs = 8", "epochs = 3"))
    (folder / "digits.toml").write_text(
        '[dataset]\nname = "digits"\n[architecture]\nname = "linear"\n[training]\nepochs = 2\n'
    )
    run(folder, "learnorder train digits.toml --seeds 0:3 --out runs/resnet.zarr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("learnorder.cli.demo"), "DEMO_SEEDS", SHORT)
        yield folder


def run(folder: Path, command: str) -> str:
    """Run an example of a help text."""
    program, *arguments = shlex.split(command)
    assert program == "learnorder"
    with contextlib.chdir(folder):
        done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def help_examples(command) -> list[str]:
    text = CliRunner().invoke(main, [command.name, "--help"]).output
    return re.findall(r"^  (learnorder .+)$", text, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("command", WALK, ids=lambda c: c.name)
def test_examples_of_the_help_run(command, workshop):
    examples = help_examples(command)
    assert examples
    # those with a place to fill in take long, or need data
    for example in (e for e in examples if "DIR" not in e):
        run(workshop, example)


@pytest.mark.slow
def test_end_to_end_example_runs(workshop, capsys):
    with contextlib.chdir(workshop / "examples"):
        runpy.run_path("01_end_to_end.py")
    assert "learned first:" in capsys.readouterr().out
    assert (workshop / "runs/report.html").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_example_specs_are_valid_and_say_how_to_run_them(path):
    TrainingSpec.from_toml(path)
    assert f"learnorder train examples/{path.name}" in path.read_text()


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for command in WALK:
        assert f"learnorder {command.name}" in text, command.name


def test_every_key_of_a_spec_is_documented():
    text = (ROOT / "docs/spec.md").read_text()
    for table in known_keys([]):
        assert f"[{table}]" in text, table
        for key in known_keys([table]):
            assert f"`{key}`" in text, f"{table}.{key}"
    nested = [*known_keys(["dataset", "transform"]), *known_keys(["extra", "NAME"])]
    assert {"epsilon", "convert"} < set(nested)
    for key in nested:
        assert f"`{key}`" in text, key


def test_references_of_docstrings_are_in_the_bibliography():
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "docs/references.bib").read_text(), re.M))
    used = set()
    for path in Path(learnorder.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                _, _, section = (ast.get_docstring(node) or "").partition(
                    "References\n----------\n"
                )
                used |= set(re.findall(r"\b[a-z]+\d{4}[a-z]*\b", section.split("\n\n")[0]))
    assert used
    assert used <= keys


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


def test_a_reader_who_runs_every_command_never_trains_two_specs_into_one_log():
    texts = [path.read_text() for path in (*PAGES, *(ROOT / "examples").glob("*.toml"))]
    texts += ["\n".join(help_examples(command)) for command in WALK]
    specs: dict[str, set[str]] = {}
    for line in re.findall(r"learnorder train (.+)", "\n".join(texts)):
        if found := re.search(r"(examples/\S+\.toml).* --out (\S+\.zarr)", line):
            specs.setdefault(found[2], set()).add(found[1])
    assert len(specs) > 4
    assert {log: used for log, used in specs.items() if len(used) > 1} == {}


def test_file_tree_of_the_readme_is_what_there_is():
    text = (ROOT / "README.md").read_text()
    tree = text.split("src/learnorder/\n")[1].split("```")[0]
    named = {line.split()[0].strip("/") for line in tree.splitlines() if line.strip()}
    stages = {p.name for p in (ROOT / "src/learnorder").iterdir() if not p.name.startswith("__")}
    assert stages <= named | {"py.typed"}


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"version: {project['version']}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
    constraints = (ROOT / "constraints.txt").read_text()
    assert "torch==2.13.0\n" in constraints
