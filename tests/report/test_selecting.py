"""Selecting examples on the page gives those, and only those, that the log itself would give."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from learnorder.log.labelled import from_arrays
from learnorder.report import lattice
from learnorder.report.render import render_report
from learnorder.schema import Previews

expect = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").expect
pytestmark = pytest.mark.browser

EPOCHS = [0, 1, 2, 4]
ODD_IDS = [
    "plain", "with space", " outer space ", 'say "so"', '"quoted"', "two\nlines", "a\r\nb", ".",
    "tab\t", "試験", "größer", "a\u2028b", "\u202eright to left", "esc\x1binside", "back\\slash",
    "\\u0041", "-1", "<script>", "... and 3 more", "x" * 99, "\ufeffmark", "a\u00a0b", "👩",
]  # fmt: skip


def right(log: xr.Dataset) -> np.ndarray:
    """Which predictions are right, ``(replicate, epoch, example)``."""
    return log["prediction"].values == log["label"].values


def right_last(log: xr.Dataset) -> np.ndarray:
    return right(log)[:, -1].sum(axis=0)


def right_after_0(log: xr.Dataset) -> np.ndarray:
    return right(log)[:, log["epoch"].values > 0].sum(axis=(0, 1))


def agreeing_last(log: xr.Dataset) -> np.ndarray:
    last = log["prediction"].values[:, -1].astype(int)
    return np.array([np.bincount(votes).max() for votes in last.T])


def ids_of(log: xr.Dataset, chosen: np.ndarray, order: np.ndarray) -> list[str]:
    """Ids of the chosen examples, smallest first, equal ones as the log has them."""
    where = np.flatnonzero(chosen)
    return [str(i) for i in log["example"].values[where[np.argsort(order[where], kind="stable")]]]


def taken(page: Any, n: int, n_examples: int, split: str = "test") -> list[str]:
    """Ids that the page gives as a list, once it says that it has selected so many."""
    said = f"{n:,} of {n_examples:,} examples in {split} are selected."
    expect(page.locator("#chosen")).to_have_text(said)
    return [json.loads(line) if line[0] == '"' else line for line in lines_of(page)]


def lines_of(page: Any) -> list[str]:
    return page.locator("#ids").input_value().splitlines()


def plane(page: Any, split: str, across: str) -> Any:
    """The cells of one figure, by what they count from left to right."""
    for figure in page.locator("figure[data-plane]").all():
        found = json.loads(figure.get_attribute("data-plane"))
        if (found["split"], found["sides"][0]["column"]) == (split, across):
            return figure.locator(".plane")
    raise AssertionError(f"no figure of {split} has {across}")


def middle(cells: Any, at: tuple[int, int], shape: tuple[int, int]) -> tuple[float, float]:
    """Where on the screen a cell is, counted from the lower left."""
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    x, y = ((k + 0.5) / n for k, n in zip(at, shape, strict=True))
    return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]


def drag(page: Any, cells: Any, shape: tuple[int, int], *ends: tuple[int, int]) -> None:
    page.mouse.move(*middle(cells, ends[0], shape))
    page.mouse.down()
    page.mouse.move(*middle(cells, ends[-1], shape), steps=3)
    page.mouse.up()


class Pictured:
    """Two collections over digits, and the page about them."""

    def __init__(self, page: Path, logs: dict[str, Any], images: np.ndarray) -> None:
        self.page, self.images = page, images
        self.mlp, self.net = logs["mlp"]["test"], logs["net"]["test"]
        self.train = logs["mlp"]["train"]
        self.n = self.mlp.sizes["example"]


@pytest.fixture(scope="module")
def pictured(stand_in, simulate, digits, without_figures, tmp_path_factory) -> Pictured:
    images, labels = digits[0][:240], digits[1][:240]
    parts = {"train": slice(0, 90), "test": slice(90, 240)}
    ids = {"train": [f"train/{i:03d}.png" for i in range(90)], "test": np.arange(150) * 7919 % 1009}

    def log(n_replicates: int, seed: int) -> Any:
        splits = {
            name: from_arrays(
                simulate(labels[part], n_replicates=n_replicates, n_epochs=4, seed=seed),
                labels[part],
                epochs=EPOCHS,
                ids=ids[name],
                class_names=[f"digit {k}" for k in range(10)],
                split=name,
            )
            for name, part in parts.items()
        }
        shown = {name: Previews(np.arange(len(ids[name])), images[p]) for name, p in parts.items()}
        return stand_in(splits, shown)

    logs = {"mlp": log(5, 0), "net": log(6, 1)}
    with without_figures():
        page = render_report(logs, tmp_path_factory.mktemp("pictured") / "report.html")
    return Pictured(page, logs, images[parts["test"]])


def test_dragging_over_cells_of_the_agreement_figure_selects_their_examples(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    visited = visit(pictured.page)
    drag(visited.page, plane(visited.page, "test", "right at the end, mlp"), (6, 6), (3, 5), (1, 2))
    across, up = right_last(pictured.mlp), agreeing_last(pictured.mlp)
    chosen = (across >= 1) & (across <= 3) & (up >= 2) & (up <= 5)
    assert 0 < chosen.sum() < pictured.n
    assert taken(visited.page, chosen.sum(), 150) == ids_of(pictured.mlp, chosen, across)
    expect(visited.page.locator("#chosen")).to_be_focused()
    assert visited.complaints == []


def test_dragging_over_cells_of_a_joint_figure_selects_their_examples(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    visited = visit(pictured.page)
    drag(visited.page, plane(visited.page, "test", "accessibility, mlp"), (16, 19), (0, 2), (9, 18))
    across, up = right_after_0(pictured.mlp), right_after_0(pictured.net)
    chosen = (across <= 9) & (up >= 2)
    assert 0 < chosen.sum() < pictured.n
    assert taken(visited.page, chosen.sum(), 150) == ids_of(pictured.mlp, chosen, across)
    # An edge of a page or a mark that stays would say something that is no longer true.
    visited.page.select_option("[name=label]", label="digit 3")
    expect(visited.page.locator(".mark:visible")).to_have_count(0)


def test_arrow_keys_walk_and_widen_and_enter_selects(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    page = visit(pictured.page).page
    cells = plane(page, "test", "right at the end, net")
    cells.focus()
    walk = ["ArrowUp", "ArrowLeft", *["ArrowRight"] * 5, *["ArrowUp"] * 9]  # no cell is beyond
    for key in (*walk, "Shift+ArrowLeft", "Shift+ArrowDown", "Alt+ArrowDown"):
        page.keyboard.press(key)
    said = cells.locator("[role=status]").text_content()
    assert said == "right at the end, net: 0.6667 to 0.8333; agreement at the end, net: 0.8333 to 1"
    page.keyboard.press("Enter")
    across, up = right_last(pictured.net), agreeing_last(pictured.net)
    chosen = np.isin(across, (4, 5)) & (up >= 5)
    assert chosen.any()
    assert taken(page, chosen.sum(), 150) == ids_of(pictured.net, chosen, across)


def test_on_a_phone_a_tap_selects_and_a_finger_that_scrolls_does_not(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    phone = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
    page = visit(pictured.page, **phone).page
    cells = plane(page, "test", "right at the end, mlp")
    x, y = middle(cells, (5, 5), (6, 6))
    before = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * 10]
    for k, kind in enumerate(kinds):
        touch = {"type": kind, "touchPoints": [{"x": x, "y": y - 20 * k}]}
        session.send("Input.dispatchTouchEvent", touch)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("scrollY") > before + 100
    assert page.locator(".mark:visible").count() == 0
    assert page.locator("#chosen").text_content() == "Nothing is selected yet."
    page.touchscreen.tap(*middle(cells, (5, 5), (6, 6)))
    chosen = right_last(pictured.mlp) == 5
    assert taken(page, chosen.sum(), 150) == ids_of(pictured.mlp, chosen, np.zeros(150))


def test_the_form_selects_by_label_ranges_and_order(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    score, labels = right_after_0(pictured.net), pictured.mlp["label"].values
    known = right_last(pictured.mlp) <= 4
    digit = np.bincount(labels[known & (score > 0)]).argmax()
    low, high = (f(score[known & (labels == digit) & (score > 0)]) for f in (np.min, np.max))
    page = visit(pictured.page).page
    page.select_option("[name=split]", label="test")
    page.select_option("[name=label]", label=f"digit {digit}")
    page.select_option("[name=a]", label="accessibility, net")
    page.fill("[name=a-low]", f"{low / 18:.3f}")  # as the cards write it
    page.fill("[name=a-high]", f"{(high - 1) / 18:.3f}")
    page.select_option("[name=b]", label="right at the end, mlp")
    page.fill("[name=b-high]", "0.8")
    page.select_option("[name=order]", label="accessibility, mlp")
    page.select_option("[name=way]", label="highest")
    chosen = known & (labels == digit) & (score >= low) & (score < high)
    assert chosen.any()
    expected = ids_of(pictured.mlp, chosen, -right_after_0(pictured.mlp))
    assert taken(page, chosen.sum(), 150) == expected
    page.fill("[name=a-low]", "0.9")
    page.fill("[name=a-high]", "0.1")
    page.keyboard.press("Enter")
    assert taken(page, 0, 150) == []
    assert page.locator("#copy").is_disabled()


def test_a_cell_selects_itself_alone_however_many_votes_there_are(
    visit: Callable[..., Any], stand_in, collection_log, without_figures, tmp_path: Path
) -> None:
    how = {"n_replicates": 40, "n_epochs": 60, "n_classes": 2}
    labels = np.arange(200) % 2
    logs = {
        name: stand_in({"test": collection_log(labels, seed=seed, **how)})
        for seed, name in enumerate(("a", "b"))
    }
    with without_figures():
        page = visit(render_report(logs, tmp_path / "report.html")).page
    across = right_after_0(logs["a"]["test"])
    step = lattice.merge_width(2400)
    cell = across // step
    first = int(across[(across % step == step - 1)].min()) // step + 1  # its neighbour is close
    last = int(across[(across % step == 0) & (cell > first)].max()) // step - 1
    chosen = (cell >= first) & (cell <= last)
    shape = (2400 // step + 1,) * 2
    drag(page, plane(page, "test", "accessibility, a"), shape, (first, 0), (last, shape[1] - 1))
    assert taken(page, chosen.sum(), 200) == ids_of(logs["a"]["test"], chosen, across)


def sheets_of(page: Path) -> dict[str, np.ndarray]:
    """Every sheet of thumbnails that the file holds, decoded."""
    found = re.findall(r'<image id="([\w-]+)"[^>]* href="data:[^,]*,([^"]*)"', page.read_text())
    return {
        name: np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for name, data in found
    }


def test_every_card_shows_its_own_label_values_and_picture(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    page = visit(pictured.page).page
    page.select_option("[name=split]", label="test")
    taken(page, 150, 150)
    while page.locator("#more").is_visible():
        page.locator("#more").click()
    cards = page.evaluate(
        """[...document.querySelectorAll("#cards .card")].map((card) => ({
            facts: Object.fromEntries([...card.querySelectorAll("dl > div")].map((row) =>
              [row.firstChild.textContent, row.lastChild.textContent])),
            words: card.querySelector("svg.thumbnail").getAttribute("aria-label"),
            box: card.querySelector("svg.thumbnail > svg").getAttribute("viewBox"),
            sheet: card.querySelector("use").getAttribute("href"),
            lines: card.querySelectorAll(".trajectory").length,
        }))"""
    )
    where = {str(i): k for k, i in enumerate(pictured.mlp["example"].values)}
    sheets, score = sheets_of(pictured.page), right_after_0(pictured.mlp)
    assert sorted(int(card["facts"]["id"]) for card in cards) == sorted(map(int, where))
    for card in cards:
        k = where[card["facts"]["id"]]
        label = f"digit {pictured.mlp['label'].values[k]}"
        assert card["facts"]["label"] == label
        assert card["words"] == f"Example {card['facts']['id']}, labelled {label}"
        assert float(card["facts"]["accessibility, mlp"]) == pytest.approx(score[k] / 15, abs=6e-4)
        assert card["lines"] == 2
        left, top, width, height = map(int, card["box"].split())
        crop = sheets[card["sheet"][1:]][top : top + height, left : left + width]
        np.testing.assert_array_equal(crop, pictured.images[k])


def test_a_thumbnail_on_the_screen_looks_like_its_picture(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    page = visit(pictured.page).page
    page.select_option("[name=split]", label="test")
    first = int(np.argsort(right_after_0(pictured.mlp), kind="stable")[0])
    shot = page.locator("#cards .thumbnail").first.screenshot()
    seen = Image.open(io.BytesIO(shot)).convert("L").resize((8, 8), Image.Resampling.BOX)
    np.testing.assert_allclose(np.asarray(seen).astype(int), pictured.images[first], atol=40)


def test_ids_are_copied_downloaded_and_let_go(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    visited = visit(pictured.page, permissions=["clipboard-read", "clipboard-write"])
    page = visited.page
    page.select_option("[name=split]", label="test")
    page.select_option("[name=label]", label="digit 7")
    chosen = pictured.mlp["label"].values == 7
    ids = ids_of(pictured.mlp, chosen, right_after_0(pictured.mlp))
    assert taken(page, len(ids), 150) == ids
    page.locator("#copy").click()
    expect(page.locator("#chosen")).to_have_text(f"{len(ids)} ids were copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "\n".join(ids) + "\n"
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename == "ids.txt"
    assert download.value.path().read_text() == "\n".join(ids) + "\n"
    page.locator("#clear").click()
    expect(page.locator("#chosen")).to_have_text("Nothing is selected.")
    assert (page.locator("#cards .card").count(), page.locator("#ids").input_value()) == (0, "")
    assert all(page.locator(f"#{name}").is_disabled() for name in ("copy", "download", "clear"))
    assert visited.complaints + visited.requests == []


@pytest.mark.parametrize("allowed", [True, False])
def test_ids_are_copied_the_old_way_or_marked_where_that_is_forbidden(
    visit: Callable[..., Any], pictured: Pictured, allowed: bool
) -> None:
    page = visit(pictured.page, permissions=["clipboard-read", "clipboard-write"]).page
    page.evaluate(
        "window.board = navigator.clipboard;"
        "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    )
    if not allowed:
        page.evaluate("() => { document.execCommand = () => false; }")
    page.select_option("[name=label]", label="digit 1")
    ids = ids_of(pictured.train, pictured.train["label"].values == 1, right_after_0(pictured.train))
    assert taken(page, len(ids), 90, "train") == ids
    page.locator("#copy").click()
    if allowed:
        expect(page.locator("#chosen")).to_have_text(f"{len(ids)} ids were copied.")
        assert page.evaluate("window.board.readText()") == "\n".join(ids) + "\n"
    else:
        expect(page.locator("#chosen")).to_contain_text("did not allow copying")
        marked = "document.activeElement.value.slice(0, document.activeElement.selectionEnd)"
        assert page.evaluate(marked) == "\n".join(ids) + "\n"


def test_what_is_taken_is_what_was_shown_though_another_split_is_being_unpacked(
    visit: Callable[..., Any], pictured: Pictured
) -> None:
    page = visit(pictured.page).page
    page.select_option("[name=split]", label="test")
    ids = ids_of(pictured.mlp, np.ones(150, dtype=bool), right_after_0(pictured.mlp))
    assert taken(page, 150, 150) == ids
    with page.expect_download() as download:
        page.evaluate(
            """() => {
              const field = document.querySelector("[name=split]");
              field.value = 0;
              field.dispatchEvent(new Event("change", { bubbles: true }));
              document.getElementById("download").click();
            }"""
        )
    assert download.value.path().read_text().splitlines() == ids
    order = right_after_0(pictured.train)
    assert taken(page, 90, 90, "train") == ids_of(pictured.train, order >= 0, order)


def test_a_split_without_labels_and_odd_ids_are_given_as_they_are(
    visit: Callable[..., Any], stand_in, simulate, without_figures, tmp_path: Path
) -> None:
    n = len(ODD_IDS)
    labels = np.arange(n) % 3
    votes = simulate(labels, n_replicates=4, n_epochs=3, n_classes=3)
    outside = from_arrays(votes, ids=np.array(ODD_IDS), split="outside")
    with without_figures():
        log = stand_in({"test": from_arrays(votes, labels), "outside": outside})
        visited = visit(render_report({"net": log}, tmp_path / "report.html"))
    page = visited.page
    page.select_option("[name=split]", label="outside")
    assert page.locator("[name=label] option").all_text_contents() == ["every label"]
    total = np.sum([agreeing_last(outside.isel(epoch=[e])) for e in range(3)], axis=0)
    ids = ids_of(outside, np.ones(n, dtype=bool), total)
    assert taken(page, n, n, "outside") == ids
    assert all(line.isprintable() for line in lines_of(page))
    assert max(map(len, page.locator("#cards bdi").all_text_contents())) <= 80
    page.select_option("[name=a]", label="mean agreement")
    page.fill("[name=a-low]", "0.75")
    page.keyboard.press("Enter")
    chosen = total >= 9
    assert taken(page, chosen.sum(), n, "outside") == ids_of(outside, chosen, total)
    assert visited.complaints == []


def test_a_page_cut_to_its_size_works_and_names_what_is_not_on_it(
    visit: Callable[..., Any], pictured: Pictured, stand_in, without_figures, tmp_path: Path
) -> None:
    images = np.repeat(pictured.images[:, :, :, None], 3, axis=3)
    log = stand_in({"test": pictured.mlp}, {"test": Previews(np.arange(150), images)})
    missing = set()
    with without_figures():
        whole = render_report({"mlp": log}, tmp_path / "whole.html").stat().st_size
        for share in (0.58, 0.5, 0.44):
            most = int(share * whole)
            path = render_report({"mlp": log}, tmp_path / f"{share}.html", most_bytes=most)
            assert path.stat().st_size <= most
            visited = visit(path)
            missing |= set(visited.page.locator("#provenance ul li").all_text_contents())
            if visited.page.locator("#select").count():
                planes = visited.page.locator(".plane").count()
                assert visited.page.locator("#cells").is_visible() == (planes > 0)
                visited.page.select_option("[name=way]", label="highest")
                assert len(taken(visited.page, 150, 150)) == 150
            assert visited.complaints == []
    for what in ("pictures", "trajectories", "labels", "ids of test (positions", "selecting"):
        assert any(name.startswith(what) for name in missing), (what, missing)
