"""How soon a browser paints a page: an operation for a process of its own."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

FIRST_PAINT = """() => new Promise((resolve) => {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0];
  if (found()) return resolve(found().startTime);
  new PerformanceObserver((_, observer) => {
    if (found()) { observer.disconnect(); resolve(found().startTime); }
  }).observe({ type: "paint", buffered: true });
})"""


def paint(path: str, executable: str) -> dict[str, float]:
    """Open a page in a new browser; seconds from navigation to the first contentful paint."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(Path(path).absolute().as_uri(), wait_until="load")
        seconds = float(page.evaluate(FIRST_PAINT)) / 1000
        browser.close()
    return {"seconds": seconds}
