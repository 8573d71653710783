"""What the documentation says about measures is there, runs, and has its sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from learnorder.measures.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
KEYS = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "docs" / "references.bib").read_text(), re.M))


@pytest.mark.parametrize("measure", CATALOGUE, ids=lambda m: m.name)
def test_every_measure_is_documented_and_its_sources_resolve(measure):
    assert f"{measure.name}(log" in TEXT
    assert set(measure.source) <= KEYS
    doc = measure.function.__doc__
    if "References" in doc:
        listed = re.search(r"References\n\s+-+\n\s+(.+)", doc).group(1)
        assert {part.split(",")[0].strip() for part in listed.split(", ")} <= KEYS
        assert set(measure.source) <= set(listed.split(", "))


def test_the_examples_of_the_documentation_run():
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "docs/measures.md", "exec"), {})
