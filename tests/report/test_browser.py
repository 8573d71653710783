"""The page in a real browser: no complaint, no request, for everyone, on every screen."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learnorder.log.labelled import from_arrays
from learnorder.report.render import render_report
from learnorder.schema import Previews

pytestmark = pytest.mark.browser

SPLITS = [(0, "train"), (1, "test"), (2, "test")]
DESK, PHONE, SMALL_PHONE = ({"width": w, "height": 900} for w in (1280, 390, 320))
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => d.open = true)"
THIN = """for (const many of document.querySelectorAll(".cards, tbody, select"))
  [...many.children].slice(2).forEach((one) => one.remove())"""
"""Two of everything that comes in numbers: contrast takes the checker long, thing by thing."""


@pytest.fixture(scope="module")
def of_every_kind(
    stand_in,
    collection_log,
    simulate,
    digits,
    without_figures,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A page that is short and has every kind of thing that a page can have."""
    labels, how = np.arange(30) % 2, {"n_replicates": 3, "n_epochs": 2}
    train, test, other = (collection_log(labels, split=s, seed=k, **how) for k, s in SPLITS)
    test.attrs["left_out"] = [{"seed": 9, "status": "failed", "reason": "NaN at epoch 2"}]
    test["true_label"] = ("example", 1 - labels)
    outside = from_arrays(simulate(labels, n_classes=2, **how), split="outside")
    texts = tuple(f"text {i} " + "word " * 100 for i in range(30))
    shown = {
        "test": Previews(np.arange(30), digits[0][:30]),
        "train": Previews(np.arange(30), texts=texts),
    }
    logs = {
        "a network of a long name": stand_in({"train": train, "test": test}, shown),
        "b": stand_in({"test": other, "outside": outside}),
    }
    place = tmp_path_factory.mktemp("every-kind") / "report.html"
    with without_figures():
        return render_report(logs, place)


def select_all(page: Any, split: str = "test") -> None:
    page.select_option("[name=split]", label=split)
    page.locator("#cards .card").first.wait_for()


def test_a_bad_page_would_be_noticed(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>x</title><img src='http://127.0.0.1:9/x.png'>"
        "<script>console.error('broken'); alert('boo'); nothing()</script>"
    )
    visited = visit(page)
    for part in ("broken", "dialog: boo", "nothing is not defined"):
        assert any(part in line for line in visited.complaints), part
    assert visited.requests == ["http://127.0.0.1:9/x.png"]


def test_report_opens_without_complaint_and_without_a_request(
    visit: Callable[..., Any], digits_report: Path
) -> None:
    visited = visit(digits_report)
    assert visited.page.locator("h2").first.inner_text() == "The answer"
    select_all(visited.page)
    assert visited.page.locator("#cards .card").count() == 24
    broken = "[...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    assert visited.page.evaluate(broken) == 0
    assert visited.page.evaluate("document.images.length") > 20
    assert visited.complaints == []
    assert visited.requests == []


@pytest.mark.parametrize(
    ("attack", "directive"),
    [
        (
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
            "document.body.append(s)",
            "script-src",
        ),
        (
            "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()",
            "script",
        ),
        ("document.body.insertAdjacentHTML('beforeend', '<b id=x style=color:red>x</b>')", "style"),
        ("document.body.insertAdjacentHTML('beforeend', '<img src=http://x.test/y>')", "img-src"),
        ("document.body.insertAdjacentHTML('beforeend', '<iframe src=data:,x></iframe>')", "frame"),
        ("fetch('http://x.test/z').catch(() => 0)", "connect-src"),
        ("fetch('file:///etc/hostname').catch(() => 0)", "connect-src"),
    ],
)
def test_the_policy_holds(
    visit: Callable[..., Any], of_every_kind: Path, attack: str, directive: str
) -> None:
    visited = visit(of_every_kind)
    page = visited.page
    blocked = page.evaluate(
        "() => new Promise((tell) => { addEventListener('securitypolicyviolation',"
        f"(e) => tell(e.effectiveDirective)); {attack} }})"
    )
    assert blocked.startswith(directive)
    assert page.evaluate("window.ran") is None
    assert (
        page.evaluate("getComputedStyle(document.body.lastElementChild).color") != "rgb(255, 0, 0)"
    )
    assert all("Content Security Policy" in line for line in visited.complaints)


def test_everything_but_selecting_is_there_without_a_script(
    visit: Callable[..., Any], of_every_kind: Path
) -> None:
    page = visit(of_every_kind, java_script_enabled=False).page
    sections = page.locator("main > section").all()
    assert len(sections) > 8
    for section in sections:
        assert section.is_visible() == (section.get_attribute("id") != "select")
    assert page.locator("nav a:visible").count() == len(sections) - 1
    assert page.locator(".plane").count() == 0


def serious(page: Any) -> list[str]:
    """What keeps some people from reading or using the page, as axe-core finds it."""
    module = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = module.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_an_inaccessible_page_would_be_noticed(visit: Callable[..., Any], tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><img src='data:,'><p style='color:#ddd'>pale</p><input>")
    found = " ".join(serious(visit(page).page))
    for rule in ("image-alt", "color-contrast", "label", "html-has-lang"):
        assert rule in found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_serious(
    visit: Callable[..., Any], of_every_kind: Path, scheme: str, screen: dict[str, int]
) -> None:
    page = visit(of_every_kind, color_scheme=scheme, viewport=screen).page
    page.evaluate(OPEN_ALL)
    if screen is DESK and scheme == "light":
        page.evaluate(THIN)
        assert serious(page) == []
    select_all(page)
    page.locator(".plane").first.focus()
    page.keyboard.press("ArrowUp")
    page.evaluate(THIN)
    assert serious(page) == []


def test_selecting_is_within_reach_of_the_keyboard(
    visit: Callable[..., Any], of_every_kind: Path
) -> None:
    page = visit(of_every_kind).page

    def tab_from(selector: str, n: int) -> list[str]:
        page.locator(selector).focus()
        reached = []
        for _ in range(n):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate("document.activeElement.id || document.activeElement.className")
            )
        return reached

    select_all(page)
    assert tab_from("#chosen", 5)[:3] == ["copy", "download", "clear"]
    page.keyboard.press("Shift+Tab")
    assert "plane" in tab_from("nav a:last-child", 12)


@pytest.mark.parametrize("screen", [PHONE, SMALL_PHONE], ids=["390", "320"])
@pytest.mark.parametrize("which", ["digits_report", "of_every_kind"])
def test_nothing_is_wider_than_a_phone(
    visit: Callable[..., Any], request: pytest.FixtureRequest, which: str, screen: dict[str, int]
) -> None:
    page = visit(request.getfixturevalue(which), viewport=screen).page
    page.evaluate(OPEN_ALL)
    select_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == screen["width"]


@pytest.mark.parametrize(("scheme", "paper"), [("light", 255), ("dark", 23)])
def test_page_and_figures_follow_the_colour_scheme(
    visit: Callable[..., Any], digits_report: Path, scheme: str, paper: int
) -> None:
    page = visit(digits_report, color_scheme=scheme, viewport=PHONE).page
    for what in (page, page.locator("figure img").first, page.locator("figure.square img").first):
        pixels = np.asarray(Image.open(io.BytesIO(what.screenshot())).convert("L")).astype(int)
        assert np.bincount(pixels.ravel()).argmax() == pytest.approx(paper, abs=2)
        # The ink of letters and axes is farther from the paper than any line.
        assert (np.abs(pixels - paper) > 150).mean() > 0.0005


def test_paper_has_the_whole_page_in_dark_ink_and_nothing_to_press(
    visit: Callable[..., Any], digits_report: Path
) -> None:
    visited = visit(digits_report, color_scheme="dark")
    page = visited.page
    select_all(page)
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF-")
    n_pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 3 < n_pages < 60
    page.emulate_media(media="print", color_scheme="dark")
    for hidden in ("#select", "nav", ".plane"):
        assert not page.locator(hidden).first.is_visible()
    for what in (page, page.locator("figure img").first):
        pixels = np.asarray(Image.open(io.BytesIO(what.screenshot())).convert("L")).astype(int)
        assert np.bincount(pixels.ravel()).argmax() == 255
        assert (pixels < 105).mean() > 0.0005
    assert visited.complaints == []
