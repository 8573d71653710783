"""The snippets of docs/datasets.md run as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from learnorder.datasets.registry import known_datasets

PAGE = Path(__file__).parents[2] / "docs/datasets.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_of_the_page_runs(snippet, tmp_path, monkeypatch, request):
    if snippet.startswith("# needs LEARNORDER_DATA"):
        request.getfixturevalue("data_dir")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, str(PAGE), "exec"), {})


def test_the_page_names_every_known_dataset_and_kind():
    text = PAGE.read_text()
    for entry in known_datasets():
        assert f"`{entry.name}`" in text or f"### {entry.name}:" in text
