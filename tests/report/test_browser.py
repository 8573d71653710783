"""The page in a real browser: no complaint, no request, readable in both colour schemes."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learnorder.report.render import render_report

pytestmark = pytest.mark.browser

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"


@pytest.fixture(scope="module")
def chromium() -> str:
    """Path of a Chromium, or skip, visibly."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium is installed")
    return found


class Visit:
    """What one visit of a page left behind."""

    def __init__(self, chromium: str, page: Path, *options: str) -> None:
        folder = page.parent / f"visit-{len(list(page.parent.iterdir()))}"
        folder.mkdir()
        done = subprocess.run(
            [
                chromium,
                *QUIET,
                f"--user-data-dir={folder / 'profile'}",
                "--enable-logging=stderr",
                f"--log-net-log={folder / 'net.json'}",
                *options,
                page.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=True,
            cwd=folder,
        )
        self.dom = done.stdout.decode()
        self.console = re.findall(r"CONSOLE.*", done.stderr.decode())
        self.requests = self._requests(folder / "net.json")
        shot = folder / "screenshot.png"
        self.picture = Image.open(io.BytesIO(shot.read_bytes())) if shot.exists() else None

    @staticmethod
    def _requests(net_log: Path) -> list[str]:
        """Addresses that a page asked for; the browser's own errands have no origin."""
        events = json.loads(net_log.read_text())["events"]
        found = [event["params"] for event in events if "initiator" in event.get("params", {})]
        return [p["url"] for p in found if p["initiator"] != "not an origin" and "url" in p]


def test_a_bad_page_would_be_noticed(chromium: str, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>x</title><img src='http://127.0.0.1:9/x.png'>"
        "<script>console.error('broken')</script>"
    )
    visit = Visit(chromium, page, "--dump-dom")
    assert any("broken" in line for line in visit.console)
    assert "http://127.0.0.1:9/x.png" in visit.requests


def test_report_opens_without_complaint_and_without_a_request(
    chromium: str, digits_report: Path
) -> None:
    visit = Visit(chromium, digits_report, "--dump-dom")
    assert visit.console == []
    assert visit.requests == []
    assert "<h2>The answer</h2>" in visit.dom


def test_hostile_names_run_nothing(
    chromium: str, small_log: Callable[..., Any], tmp_path: Path
) -> None:
    log = small_log(names=["<script>console.error(1)</script>", "<img src=http://x.test/>", "c"])
    nasty = "</style><script>console.error(2)</script><img src=http://x.test/ onerror=alert(1)>"
    log.spec = {nasty: nasty}
    visit = Visit(chromium, render_report({nasty: log}, tmp_path / "report.html"), "--dump-dom")
    assert visit.console == []
    assert visit.requests == []
    assert visit.dom.count("<script") == 2
    assert '<img src="http' not in visit.dom


@pytest.mark.parametrize(("scheme", "paper"), [(LIGHT, 255), (DARK, 20)])
def test_page_and_figures_follow_the_colour_scheme(
    chromium: str, digits_report: Path, tmp_path: Path, scheme: str, paper: int
) -> None:
    page = digits_report.read_text(encoding="utf-8")
    figure = re.findall(r'src="(data:image/svg[^"]*)"', page)[0]
    alone = tmp_path / "figure.html"
    alone.write_text(
        "<!doctype html><meta name='color-scheme' content='light dark'>"
        f"<style>body{{background:light-dark(#fff,#141414)}}</style><img src='{figure}'>"
    )
    for shown in (digits_report, alone):
        visit = Visit(chromium, shown, "--screenshot", "--window-size=600,600", scheme)
        assert visit.picture is not None
        pixels = np.asarray(visit.picture.convert("L")).astype(int)
        assert pixels[-1, -1] == pytest.approx(paper, abs=5)
        # The ink of letters and axes is farther from the paper than any line.
        assert (np.abs(pixels - paper) > 150).mean() > 0.0005


def test_nothing_is_wider_than_a_phone(chromium: str, digits_report: Path) -> None:
    page = digits_report.parent / "phone.html"
    page.write_text(
        "<!doctype html><style>body{margin:0;background:#f0f}</style>"
        f"<iframe src='{digits_report.name}' width=390 height=2500 style='border:0'></iframe>"
    )
    picture = Visit(chromium, page, "--screenshot", "--window-size=600,2500", LIGHT).picture
    assert picture is not None
    pixels = np.asarray(picture.convert("L")).astype(int)
    margin = pixels[:, 376:390]
    assert (margin == 255).all(), "something reaches into the right margin of the page"
