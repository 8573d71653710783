"""The page about datasets covers what there is."""

from __future__ import annotations

from pathlib import Path

from learnorder.datasets.registry import known_datasets

PAGE = Path(__file__).parents[2] / "docs/datasets.md"


def test_the_page_names_every_known_dataset_and_kind():
    text = PAGE.read_text()
    for entry in known_datasets():
        assert f"`{entry.name}`" in text or f"### {entry.name}:" in text
