"""Whatever stands in data is shown as text, or refused by name; nothing in it acts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learnorder.datasets.previews import previews
from learnorder.datasets.registry import load_dataset
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.report.render import render_report
from learnorder.schema import Previews

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) '",
    "a\u2028b\u2029c",
    "nul\x00inside",
    "\u202eright to left",
    "{{ 7 * 7 }}{% raw %}",
    "</style></title>--><!--",
    "&amp; &lt;",
    "<svg onload=alert(1)><use href=http://x.test/a.svg#a>",
    "javascript:alert(1)//</textarea></select></option>",
    "__proto__",
    "]]><iframe srcdoc='<script>parent.alert(1)</script>'>",
    "two\nlines\r\x1b[31m\x85\ufeff\u200b",
)
HALF = "\udcffhalf of a character"
LONG = "a long line <i>" + "y" * 2_000
LINE = "a line of a megabyte <b>" + "x" * 1_000_000


def hostile_ids(n_examples: int, n_names: int) -> list[str]:
    """Ids as hostile as a log takes them: without NUL."""
    names = (*HOSTILE, "x", LONG)
    return [f"{names[i % n_names]}{i}".replace("\0", "") for i in range(n_examples)]


@pytest.fixture(scope="module")
def hostile_log(stand_in) -> Callable[..., Any]:
    """Maker of a log in which every name, id and text is hostile."""
    names = [*HOSTILE, HALF, LINE]

    def make(splits: tuple[str, ...], seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        n = len(names)
        labels = np.tile(np.arange(n), 4)
        texts = tuple(names[i % n] for i in range(len(labels)))
        ids = hostile_ids(len(labels), n)
        found = {}
        for split in splits:
            votes = np.where(rng.random((3, 2, len(labels))) < 0.7, labels, (labels + 1) % n)
            found[split] = from_arrays(votes, labels, ids=ids, class_names=names, split=split)
            found[split].attrs["n_replicates_planned"] = 3 + n
            found[split].attrs["left_out"] = [
                {"seed": i, "status": text[:40], "reason": text} for i, text in enumerate(names)
            ]
        shown = {split: Previews(np.arange(len(labels)), texts=texts) for split in splits}
        nasty = {text: text for text in names[:-1]}
        spec = {"spec": nasty, "list": names[:-1], "line": LINE}
        return stand_in(found, shown, spec, nasty | {"seeds": names[:-1]})

    return make


@pytest.fixture(scope="module")
def hostile_report(hostile_log, without_figures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two collections of hostile names, in splits of hostile names."""
    splits = ("train", HOSTILE[0])
    logs = {HOSTILE[1]: hostile_log(splits), HALF + HOSTILE[5]: hostile_log(splits, seed=1)}
    place = tmp_path_factory.mktemp("hostile") / "report.html"
    with without_figures():
        return render_report(logs, place, most_bytes=20_000_000)


def test_hostile_strings_are_text_and_nothing_else(hostile_report: Path, tree_of) -> None:
    page = hostile_report.read_text(encoding="utf-8")
    tree = tree_of(page)
    assert tree.foreign() == set()
    for hidden in "\x00\u2028\u2029\u202e\x1b\x85\ufeff\u200b":
        assert hidden not in page
    assert "nul⟨U+0000⟩inside" in tree.text
    assert "⟨U+202E⟩right to left" in tree.text
    assert "⟨U+DCFF⟩half of a character" in tree.text
    assert "{{ 7 * 7 }}" in tree.text
    for text in HOSTILE[:3]:
        assert text in html.unescape(tree.text)


def test_what_holds_more_than_a_page_is_refused(small_log, tmp_path: Path, without_figures) -> None:
    log = small_log()
    log.spec = {"line": LINE}
    texts = tuple(f"text {i}" for i in range(60))
    log.shown = {split: Previews(np.arange(60), texts=texts) for split in log}
    too_much = r"not even its text fits into 1,000,000 bytes \("
    with without_figures(), pytest.raises(LearnOrderError, match=too_much):
        render_report({"a": log}, tmp_path / "a.html", most_bytes=1_000_000)
    assert list(tmp_path.iterdir()) == []


def in_browser(visited: Any) -> None:
    """Nothing ran, nothing was asked for, and no element stands there that is not ours."""
    page = visited.page
    assert page.evaluate("document.scripts.length") == 2
    assert page.locator("iframe, object, embed, base, link, textarea:not(#ids)").count() == 0
    on = "[...document.querySelectorAll('*')].filter((e) => e.getAttributeNames().some((n) => "
    assert page.evaluate(on + "n.startsWith('on'))).length") == 0
    assert visited.complaints + visited.requests == []


@pytest.mark.browser
def test_hostile_strings_run_nothing_even_when_all_are_selected(
    visit: Callable[..., Any], hostile_report: Path
) -> None:
    visited = visit(hostile_report, permissions=["clipboard-read", "clipboard-write"])
    page = visited.page
    n = 4 * (len(HOSTILE) + 2)
    page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)")
    page.select_option("[name=split]", index=1)
    page.locator("#cards .card").first.wait_for()
    while page.locator("#more").is_visible():
        page.locator("#more").click()
    allowed = "li, blockquote, small, svg, polyline, dl, div, dt, dd, bdi"
    assert page.locator("#cards .card").count() == n
    assert page.locator(f"#cards *:not({allowed})").count() == 0
    assert max(map(len, page.locator("#cards blockquote").all_text_contents())) < 400
    assert max(map(len, page.locator("#cards bdi").all_text_contents())) < 400
    lines = page.locator("#ids").input_value().splitlines()
    ids = [json.loads(line) if line.startswith('"') else line for line in lines]
    assert sorted(ids) == sorted(hostile_ids(n, n // 4))
    page.locator("#copy").click()
    page.locator("#chosen", has_text="were copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == lines
    page.locator(".plane").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.locator("#clear").click()
    in_browser(visited)


@pytest.mark.browser
def test_every_hostile_name_of_a_collection_and_a_split_is_shown_as_it_is(
    visit: Callable[..., Any], stand_in, collection_log, without_figures, tmp_path: Path
) -> None:
    names = (*HOSTILE, HALF)
    labels = np.arange(12) % 2
    logs = {
        name: stand_in({split: collection_log(labels, split=split, n_replicates=2, n_epochs=2)})
        for name, split in zip(names, (*names[1:], names[0]), strict=True)
    }
    with without_figures():
        visited = visit(render_report(logs, tmp_path / "report.html"))
    shown = visited.page.locator(".lead bdi").all_text_contents()
    assert shown[0] == HOSTILE[0]
    assert shown[-1] == "⟨U+DCFF⟩half of a character"
    assert visited.page.locator("[name=split] option").count() == len(names)
    for k in range(len(names)):
        visited.page.select_option("[name=split]", index=k)
        visited.page.locator("#chosen", has_text="12 of 12 examples").wait_for()
        assert visited.page.locator("#cards .card").count() == 12
    in_browser(visited)


def test_odd_images_are_loaded_and_shown_as_pixels(
    stand_in, without_figures, tmp_path: Path
) -> None:
    """What damaged pictures and bombs give is in the tests of the datasets."""
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    for split in ("train", "test"):
        one, two = (tmp_path / "odd" / split / name for name in ("one", "two"))
        one.mkdir(parents=True)
        two.mkdir()
        frames = [Image.fromarray(np.full((6, 6), 60 * k, np.uint8)) for k in (1, 2, 3)]
        frames[0].save(one / "a.gif", save_all=True, append_images=frames[1:])
        colour.convert("CMYK").save(one / "b.jpg", quality=100)
        deep = np.linspace(0, 65535, 36).astype(np.uint16).reshape(6, 6)
        Image.fromarray(deep).save(two / "c.png")
        large = np.zeros((3000, 3000, 3), dtype=np.uint8)
        large[..., 1] = 128
        Image.fromarray(large).save(two / "d.png")
    dataset = load_dataset("imagefolder", tmp_path / "odd", image_size=6)
    animated, cmyk, sixteen, huge = dataset.train.inputs.astype(int)
    assert dataset.train.inputs.dtype == np.uint8
    np.testing.assert_allclose(animated, 60, atol=1)
    assert np.abs(cmyk - np.asarray(colour).astype(int)).mean() < 40
    np.testing.assert_array_equal(sixteen[..., 0], np.rint(deep / 257))
    assert (huge == (0, 128, 0)).all()
    labels = dataset.train.examples.labels
    log = from_arrays(np.stack([[labels, labels], [labels, 1 - labels]]), labels, split="train")
    shown = previews(dataset.train, dataset.kind)
    with without_figures():
        page = render_report(
            {"net": stand_in({"train": log}, {"train": shown})}, tmp_path / "r.html"
        )
    assert re.search(r'<image id="[\w-]+" width="24" height="6" href="data:', page.read_text())
