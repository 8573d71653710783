"""Objects in a notebook: what they are at a glance, and nothing of data that acts."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import learnorder as lo
from learnorder.notebook import MOST_ROWS, as_html

NAME = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    easy = rng.random(60)

    def one(seed):
        draws = np.random.default_rng(seed).random((6, 3, 60))
        votes = np.where(draws < easy, labels, (labels + 1) % 3)
        return lo.from_arrays(votes, labels, baselines={"brightness": easy}, split=NAME)

    return {NAME: one(1), "other": one(2)}


def tags(html: str) -> set[str]:
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add(tag) or found.update(k for k, _ in attrs)
    parser.feed(html)
    return found


def test_every_result_shows_its_numbers_and_lets_nothing_through(logs, tiny_log) -> None:
    log = logs["other"]
    reliability = lo.reliability(log)
    comparison = lo.compare(logs)
    explained = lo.explained(log)
    ranking = lo.rank(log, split=NAME)
    shown = {
        f"{reliability.value:.3f}": reliability,
        "Replicates for a reliability of 0.95": lo.replicates_needed(log),
        f"{comparison.pairs[0].corrected:.3f}": comparison,
        f"{explained.by_class.share:.3f}": explained,
        ranking.rows[0]["reading"]: ranking,
        "seed 0": lo.open_log(tiny_log),
    }
    for what, result in shown.items():
        html = result._repr_html_()
        assert what in html, type(result)
        assert tags(html) == {"p", "b", "table", "tr", "td"} | ({"th"} & tags(html))


def test_what_is_undefined_says_so() -> None:
    found = lo.reliability(lo.from_arrays([[[0, 1]]], [0, 1]))
    assert "undefined" in found._repr_html_()


def test_of_many_rows_the_first_are_shown_and_the_others_counted() -> None:
    html = as_html("many", ["n"], [[i] for i in range(MOST_ROWS + 5)])
    assert html.count("<td>") == MOST_ROWS
    assert "and 5 more" in html
