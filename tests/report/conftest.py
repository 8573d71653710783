"""Logs as the report sees them: simulated replicates over real digits."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from learnorder.log.labelled import from_arrays
from learnorder.report.render import render_report
from learnorder.schema import Previews

TAGS = re.compile(
    "html|head|meta|title|style|body|header|main|nav|section|article|figure|figcaption|picture|"
    "source|img|h[1-4]|p|a|b|em|small|span|bdi|cite|blockquote|ol|ul|li|dl|dt|dd|div|pre|"
    "table|thead|tbody|tr|th|td|details|summary|script|svg|defs|image|use|polyline|"
    "form|fieldset|legend|label|select|option|input|button|textarea"
)
ATTRIBUTES = re.compile(
    "lang|charset|http-equiv|content|name|id|class|href|src|srcset|media|alt|scope|colspan|"
    "rowspan|dir|role|tabindex|hidden|type|data-plane|width|height|viewbox|preserveaspectratio|"
    "points|autocomplete|value|step|disabled|readonly|rows|aria-label|aria-hidden"
)


class _Tree(HTMLParser):
    """Every element and attribute of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["script"], ["style"]):
            self.text += data

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]

    def foreign(self) -> set[str]:
        """Elements and attributes that no template of ours has."""
        tags = {tag for tag in self.tags if not TAGS.fullmatch(tag)}
        return tags | {name for name, _ in self.attributes if not ATTRIBUTES.fullmatch(name)}


@dataclass
class _StandIn:
    """A log in memory with the attributes that the report asks for."""

    splits: dict[str, xr.Dataset]
    shown: dict[str, Previews] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=lambda: {"architecture": {"name": "mlp"}})
    provenance: Mapping[str, Any] = field(
        default_factory=lambda: {"created": "2026-11-23", "seeds": [0, 1, 2]}
    )

    def previews(self, split: str) -> Previews | None:
        return self.shown.get(split)

    def __getitem__(self, split: str) -> xr.Dataset:
        return self.splits[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)


def _simulate(
    labels: np.ndarray,
    *,
    n_replicates: int = 8,
    n_epochs: int = 8,
    n_classes: int = 10,
    seed: int = 0,
    skill: float = 0.0,
    own: float = 0.6,
) -> np.ndarray:
    """Predictions of replicates that share a difficulty per example and add a deviation each.

    The shared difficulty depends on the examples alone, so two calls over the same labels share
    it; ``own`` is the standard deviation of what is each replicate's own.
    """
    n = len(labels)
    shared = np.random.default_rng(42).normal(size=n)
    by_class = np.random.default_rng(43).normal(size=n_classes)[labels]
    difficulty = 2.4 * shared + 0.7 * by_class
    rng = np.random.default_rng(seed)
    deviation = own * rng.normal(size=(n_replicates, 1, n))
    growth = 1.9 * np.log(np.linspace(1, 12, n_epochs))[None, :, None] - 1.2 + skill
    chance = 1 / (1 + np.exp(-(growth - difficulty - deviation) * 3.0))
    right = rng.random((n_replicates, n_epochs, n)) < chance
    other = (labels + rng.integers(1, n_classes, size=right.shape)) % n_classes
    return np.where(right, labels, other)


def _collection_log(
    labels: np.ndarray, *, split: str = "test", names: list[str] | None = None, **how: Any
) -> xr.Dataset:
    """A simulated split of a collection."""
    n_classes = how.setdefault("n_classes", int(labels.max()) + 1)
    names = names or [str(k) for k in range(n_classes)]
    predictions = _simulate(labels, **how)
    return from_arrays(predictions, labels, class_names=names, split=split)


@pytest.fixture(scope="session")
def tree_of() -> type[_Tree]:
    """What a page is made of."""
    return _Tree


@pytest.fixture(scope="session")
def without_figures() -> Callable[..., Any]:
    """Maker of a context in which figures are empty: drawing is most of the time a page takes."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg'/>"

    @contextmanager
    def context() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("learnorder.report.figures.drawing.Drawing.svg", lambda *_, **__: svg)
            yield

    return context


@pytest.fixture
def plain_figures(without_figures: Callable[..., Any]) -> Iterator[None]:
    """Draw nothing where the words are the point."""
    with without_figures():
        yield


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Real images as uint8 ``(example, 8, 8)`` and their labels."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return np.round(loaded.images * 255 / 16).astype(np.uint8), loaded.target.astype(np.int64)


@pytest.fixture(scope="session")
def digits_log(digits: tuple[np.ndarray, np.ndarray]) -> Callable[..., Any]:
    """Maker of a collection over digits, with pictures, in the splits train and test."""
    images, labels = digits

    def make(**how: Any) -> _StandIn:
        parts = {"train": slice(0, 1297), "test": slice(1297, None)}
        splits = {
            name: _collection_log(labels[part], split=name, **how) for name, part in parts.items()
        }
        shown = {
            name: Previews(np.arange(len(images[part])), images[part])
            for name, part in parts.items()
        }
        return _StandIn(splits, shown)

    return make


@pytest.fixture(scope="session")
def digits_report(digits_log: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about two collections over digits."""
    logs = {"mlp": digits_log(), "lenet": digits_log(seed=5, skill=0.7, n_replicates=10)}
    return render_report(logs, tmp_path_factory.mktemp("digits") / "report.html")


@pytest.fixture(scope="session")
def stand_in() -> type[_StandIn]:
    """The log in memory."""
    return _StandIn


@pytest.fixture(scope="session")
def simulate() -> Callable[..., np.ndarray]:
    """Maker of predictions with a shared difficulty."""
    return _simulate


@pytest.fixture(scope="session")
def collection_log() -> Callable[..., xr.Dataset]:
    """Maker of one simulated split."""
    return _collection_log


@pytest.fixture(scope="session")
def small_log() -> Callable[..., Any]:
    """Maker of a collection of 60 examples, quick to render."""

    def make(**how: Any) -> _StandIn:
        how = {"n_replicates": 4, "n_epochs": 3, **how}
        labels = np.arange(60) % 3
        return _StandIn({s: _collection_log(labels, split=s, **how) for s in ("train", "test")})

    return make


@dataclass
class _Visit:
    """An open page, and what it did that a report never does."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, own: str) -> None:
        """Note what the console says, errors, dialogs, and requests for more than the file."""
        page = self.page
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dismiss)
        inside = (own, "data:", "blob:")
        page.on("request", lambda r: r.url.startswith(inside) or self.requests.append(r.url))

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium as the system has it, or skip, visibly; no name is ever looked up."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., _Visit]]:
    """Open a page in a context of its own, which no other test has touched."""
    contexts = []

    def open_page(path: Path, **options: Any) -> _Visit:
        contexts.append(browser.new_context(**options))
        visited = _Visit(contexts[-1].new_page())
        visited.watch(path.as_uri())
        visited.page.goto(path.as_uri())
        return visited

    yield open_page
    for context in contexts:
        context.close()
