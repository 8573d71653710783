"""Pages and figures of claims: made of results by hand, and of what is no result."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from tests.claims.written import measure, put, result, shared, unfinished

from learnorder.claims import pages
from learnorder.claims.pages import write_pages
from learnorder.claims.paper import PAPER
from learnorder.claims.recipe import ORDER
from learnorder.errors import LearnOrderError
from learnorder.report.claim import forest
from learnorder.report.claim.figure import claim_figure
from learnorder.report.claim.rows import MOST_ROWS, names_of, shown

HOSTILE = (
    "<script>alert(1)</script> a|b `c`\n# [d](http://e.f) \x1b[31m ![g](h) **i** \u202e www.j.k"
)


def page(folder: Any, content: dict[str, Any]) -> str:
    """The page of one result."""
    put(folder, content)
    write_pages(folder)
    return (folder / f"{content['claim']}.md").read_text()


def letters(svg: str) -> int:
    """How many glyphs a figure has, and that it is well-formed."""
    return sum(1 for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}use"))


def test_the_page_says_what_the_paper_found_then_the_verdict_then_the_rule(tmp_path):
    rows = [shared(split="train"), shared(kappa="inconclusive")]
    found = page(tmp_path, result(*rows, verdict="inconclusive"))
    places = [
        found.index(words)
        for words in (
            PAPER["same-architecture"],
            "**Inconclusive.** What was measured neither bears the claim out nor speaks against",
            "The claim is about every subject",
            "> The rule, as it was when this was judged. On every collection, both parts.",
            "*The recipe has changed since: it was judged by another rule; ",
            "| 2 | 1 | 0 | 1 | 0 | 0 | 6 |",
            "same-architecture-quick.svg",
            "* *small mammals*: st-vgg, test (`kappa`)",
            "| subject | `order`<br>threshold 0.5 | `kappa`<br>threshold 0.2 |",
            "0.300 (0.100 to 0.500)<br>null 0.100 to 0.200<br>*inconclusive*",
            "| beside | every subject | no range of accuracy that all replicates pass |",
            "2: diverged in epoch 5 (loss not finite), seed 6, 7 |",
            "| learnorder | 0.1.0, 0.2.0 | 0.3.0 |",
        )
    ]
    assert places == sorted(places)
    assert "git" not in found
    assert set(PAPER) == set(ORDER)


def test_links_of_pages_lead_somewhere(tmp_path):
    found = page(tmp_path, result(shared()))
    docs = pages.__file__.partition("/src/")[0] + "/docs/claims/"
    for target, anchor in re.findall(r"\]\((\.\./[a-z]+\.md)#([a-z-]+)\)", found):
        with open(docs + target) as file:
            heads = [
                h.lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)", file.read(), re.M)
            ]
        assert anchor in heads


def test_a_subject_of_which_nothing_finished_is_counted_and_drawn(tmp_path):
    found = page(tmp_path, result(shared(), unfinished(split="train"), verdict="inconclusive"))
    assert "| 2 | 1 | 0 | 1 | 1 | 0 | 0 |" in found
    assert "fewer than 5 replicates finished" in found
    assert "| all measures | small mammals: st-vgg, train | no replicate finished |" in found
    nothing = page(tmp_path, result(unfinished(), verdict="inconclusive"))
    assert "quick.svg" in nothing


def test_a_claim_of_which_nothing_was_run_has_no_figure_and_no_empty_line_of_versions(tmp_path):
    reason = "no data. See https://e.org/a|b"
    empty = {"collections": {}, "versions": {}, "judged_with": {}, "not_run": {"a/b": reason}}
    found = page(tmp_path, result(verdict="inconclusive", **empty))
    assert "Nothing was measured" in found
    assert r"| `a/b` | no data. See https\://e.org/a\|b |" in found
    assert "Made with" not in found
    assert "What was trained" not in found
    assert not list(tmp_path.glob("*.svg"))


def test_thresholds_and_rules_are_those_of_each_scale(tmp_path):
    medium = result(shared(), scale="medium", rule="Another rule.")
    medium["measures"][0]["measures"]["order"]["threshold"] = 0.6
    put(tmp_path, result(shared()))
    put(tmp_path, medium, "medium/same-architecture.json")
    names = {path.name for path in write_pages(tmp_path)}
    assert names == {
        "same-architecture-medium.svg",
        "same-architecture-quick.svg",
        "same-architecture.md",
        "README.md",
    }
    above, below = (tmp_path / "same-architecture.md").read_text().split("## At the quick scale")
    assert "## At the medium scale: holds" in above
    assert "Another rule." in above
    assert "threshold 0.6" in above
    assert "`results/medium/same-architecture.json`" in above
    assert "On every collection, both parts." in below
    assert "threshold 0.5" in below
    put(tmp_path, result(shared()), "medium/same-architecture.json")
    with pytest.raises(LearnOrderError, match=r"at the quick scale.*results/same-arch"):
        write_pages(tmp_path)


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-01-01T10:00:00Z", "fixed before the run (on 2026-01-01 10:00 UTC; training began"),
        ("2026-01-01T13:30:00+01:00", "(on 2026-01-01 12:30 UTC; training began on 2026-01-01 13:"),
        ("2026-01-02T10:00:00Z", "fixed on 2026-01-02 10:00 UTC, after training had begun"),
    ],
)
def test_a_rule_is_said_to_be_older_than_the_run_only_if_it_is(since, words, tmp_path):
    versions = {"trained_from": "2026-01-01T13:00:00+00:00"}
    assert words in page(tmp_path, result(shared(), since=since, versions=versions))


def test_the_side_that_a_rule_asks_for_stands_at_its_threshold(tmp_path):
    row = shared()
    row["measures"]["order"] |= {"side": "above"}
    row["measures"]["kappa"] |= {"side": "below", "ci": [0.0, 0.15], "value": 0.1}
    found = page(tmp_path, result(row))
    assert "| subject | `order`<br>asked: above 0.5 | `kappa`<br>asked: below 0.2 |" in found
    titles = [axes.get_title(loc="left") for axes in axes_of(result(row))]
    assert [title.splitlines()[-1] for title in titles[:2]] == [
        "asked: above 0.5",
        "asked: below 0.2",
    ]


def test_an_end_that_is_not_the_threshold_does_not_look_like_it(tmp_path):
    row = shared()
    row["measures"]["kappa"] |= {"ci": [0.2004, 0.5], "threshold": 0.2, "side": "above"}
    assert "0.4000 (0.2004 to 0.5000)<br>" in page(tmp_path, result(row))


def test_pages_and_figures_of_results_that_are_gone_go_too(tmp_path):
    put(tmp_path, result(shared()))
    path = put(tmp_path, result(shared(), claim="robust", scale="medium"), "medium/robust.json")
    write_pages(tmp_path)
    (tmp_path / "benchmarks.md").write_text("somebody's own")
    path.unlink()
    write_pages(tmp_path)
    assert {found.name for found in tmp_path.glob("*.*")} == {
        "README.md",
        "benchmarks.md",
        "same-architecture.md",
        "same-architecture-quick.svg",
    }


def test_what_speaks_against_a_claim_is_held_against_chance(tmp_path):
    rows = [shared(kappa="does not hold", split=split) for split in ("train", "test")]
    found = page(tmp_path, result(*rows, verdict="does not hold"))
    assert "of the 4 intervals it goes by, about 0.1 would lie on the wrong side" in found


def test_claims_under_way_are_named_in_the_index(tmp_path):
    put(tmp_path, result(shared()))
    head = {"claim": "robust", "scale": "quick", "status": "interrupted", "verdict": None}
    put(tmp_path, head, "robust.json")
    put(tmp_path, head | {"claim": "synthetic", "status": "not run"}, "synthetic.status.json")
    put(tmp_path, head | {"claim": "same-architecture"}, "same-architecture.status.json")
    write_pages(tmp_path)
    index = (tmp_path / "README.md").read_text()
    assert " (`robust`) | quick | interrupted |" in index
    assert " (`synthetic`) | quick | not run |" in index
    assert "| `same-architecture` |" not in index, "there is a result"
    assert "(`benchmarks`) |  | not run |" in index
    assert not (tmp_path / "robust.md").exists()


def test_what_stands_in_a_file_is_text_on_the_page_and_in_the_figure(tmp_path):
    row = shared(HOSTILE, HOSTILE, study=HOSTILE)
    row["measures"][HOSTILE] = row["measures"].pop("kappa")
    row["because"] = {"order": "holds", HOSTILE: "holds"}
    row["measures"]["beside"]["undefined"] = {"value": HOSTILE, "ci": HOSTILE}
    content = result(row, statement=HOSTILE, rule=HOSTILE, not_run={HOSTILE: HOSTILE})
    content["collections"] = {HOSTILE: content["collections"].popitem()[1] | {"about": HOSTILE}}
    content["versions"] = {HOSTILE: [HOSTILE]}
    found = page(tmp_path, content)
    assert "\x1b" not in found
    assert "\u202e" not in found
    html = MarkdownIt("commonmark").enable("table").render(found)
    assert set(re.findall(r"<(?:script|img|a)\b[^>]*", html)) == {
        found for found in re.findall(r'<(?:img src="same|a href="\.\./(?:re|fi))[^>]*', html)
    }
    assert "<strong>i<" not in html
    assert html.count("<h1>") == 1
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<th>") or row.count("<td>") for row in rows} <= {2, 3, 4, 5, 6, 7}
    assert not re.search(r"(?<!\\)://|www\.j", found)
    svg = (tmp_path / "same-architecture-quick.svg").read_text()
    assert "script" not in svg
    assert letters(svg)


@pytest.mark.parametrize("name", ["robust-old.json", "notes.txt", "huge/robust.json", "medium/x"])
def test_a_stray_file_is_refused(name, tmp_path, capsys):
    put(tmp_path, result(shared()))
    put(tmp_path, result(shared()), ".hidden")
    write_pages(tmp_path)
    put(tmp_path, "", name)
    with pytest.raises(
        SystemExit, match=f"{name.partition('/huge')[0].split('/')[0]}.* belongs to"
    ):
        pages.main(str(tmp_path))


def test_intervals_have_the_level_of_the_result(tmp_path):
    found = page(tmp_path, result(shared(), level=1 - 0.05 / 14))
    assert "Value, 99.6 % interval in brackets" in found


def axes_of(content: dict[str, Any]) -> list[Any]:
    """The axes of a figure, before it is text."""
    return claim_figure(content).figure().axes


def test_a_panel_for_each_part_with_its_threshold_and_nothing_cut():
    rows = [shared(split="train"), shared(kappa="inconclusive"), shared("a/b", kappa="holds")]
    rows[2]["measures"]["order"] |= {"value": 1.4, "ci": [-0.5, 2.5]}
    rows[2]["measures"]["kappa"]["threshold"] = 0.1
    order, kappa, verdicts, *small = axes_of(result(*rows))
    assert order.get_xlim()[0] < -0.5
    assert order.get_xlim()[1] > 2.5
    assert "threshold 0.5" in order.get_title(loc="left")
    assert "threshold by row" in kappa.get_title(loc="left")
    low, high = kappa.get_xlim()
    assert low < 0 < 1 < high
    assert [t.get_text() for t in verdicts.texts] == ["holds", "inconclusive", "holds"]
    assert len(small) == 3, "every subject has its curve"
    assert small[0].get_ylim()[0] < -0.4
    (legend, _) = order.figure.legends
    named = {t.get_text() for t in legend.get_texts()}
    assert named == {"holds", "inconclusive", "null", "threshold", "threshold of the row"}


def test_the_legend_has_verdicts_of_rows_without_a_value():
    row = shared(kappa="inconclusive")
    row["measures"]["kappa"] = measure(None, 0, 0)
    axes = axes_of(result(row, verdict="inconclusive"))
    (legend, _) = axes[0].figure.legends
    assert "inconclusive" in {t.get_text() for t in legend.get_texts()}
    assert [t.get_text() for t in axes[1].texts] == ["undefined"]


def test_conditions_are_numbered_with_a_key_and_no_number_lies_on_another():
    rng = np.random.default_rng(0)
    curves = {
        name: rng.uniform(0.6, 0.9, 17).tolist() for name in ("order", "kappa", "test", "train")
    }
    row = shared() | {"curves": {"collection": [f"a/c{i}" for i in range(17)], **curves}}
    axes = axes_of(result(row))[-1]
    at = [
        note.xyann + axes.transData.transform(note.xy) / axes.figure.dpi * 72 for note in axes.texts
    ]
    gaps = np.abs(np.array(at)[:, None] - np.array(at))
    assert not ((gaps < (5, 5)).all(axis=2) & ~np.eye(17, dtype=bool)).any()
    assert "axis from" in axes.get_xlabel()
    assert "c16" in {text.get_text() for text in axes.figure.texts}


def test_conditions_are_drawn_as_the_rule_takes_them():
    """Ranks with train accuracy held fixed, of the order and of kappa."""
    names = ("order", "kappa", "test", "train", "order_rest", "kappa_rest", "test_rest")
    curves = {
        name: np.random.default_rng(i).normal(size=8).tolist() for i, name in enumerate(names)
    }
    row = shared() | {"curves": {"collection": [f"a/c{i}" for i in range(8)], **curves}}
    order, kappa = axes_of(result(row))[-2:]
    assert "order, train accuracy held fixed" in order.get_xlabel()
    assert "rank of kappa" in kappa.get_xlabel()
    for axes, name in ((order, "order_rest"), (kappa, "kappa_rest")):
        assert axes.lines[0].get_xdata().tolist() == curves[name]
        assert axes.lines[0].get_ydata().tolist() == curves["test_rest"]


def test_a_figure_has_room_for_sixty_rows_and_says_what_is_left_out():
    rows = [shared(f"a/c{i:03d}", kappa="holds" if i % 2 else "inconclusive") for i in range(80)]
    for row in rows:
        row["curves"] = {}
    kept = shown(rows)
    assert len(kept) == MOST_ROWS
    assert sum(row["verdict"] == "inconclusive" for row in kept) == 40
    assert kept == sorted(kept, key=lambda row: row["subject"])
    figure = axes_of(result(*rows))[0].figure
    assert "20 of 80 rows are in the table alone." in {t.get_text() for t in figure.texts}


def test_names_are_short_where_they_can_be():
    rows = [shared("a/net and b/net"), shared("c/net and b/net"), shared("a/mlp", study="other")]
    assert names_of(rows) == ["a/net and b/net, test", "c/net and b/net, test", "mlp, test"]


def test_letters_that_the_font_lacks_do_not_warn():
    figure = claim_figure(result(shared("a/\U0001f600\u4e2d", study="\u4e2d" * 90))).svg()
    assert letters(figure)


def test_every_verdict_has_a_look():
    assert set(forest.LOOKS) == {"holds", "does not hold", "inconclusive"}
    assert len({marker for _, marker, _ in forest.LOOKS.values()}) == 3
