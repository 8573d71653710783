"""The whole page: complete, small, safe, and right about what is undefined."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learnorder.comparison.compare import compare
from learnorder.errors import ExamplesDiffer, LearnOrderError
from learnorder.exchange.importing import import_log
from learnorder.log.labelled import from_arrays
from learnorder.log.reader import open_log
from learnorder.report import render
from learnorder.report.render import render_report
from learnorder.schema import Previews


def page_of(logs, tmp_path: Path, **how) -> str:
    return render_report(logs, tmp_path / "report.html", **how).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def two_collections(digits_report: Path) -> str:
    return digits_report.read_text(encoding="utf-8")


def test_sections_come_in_order_for_every_collection_and_split(two_collections: str) -> None:
    ids = re.findall(r'<section id="(\w+)"', two_collections)
    assert ids == [
        "answer",
        "accuracy",
        "distribution",
        "agreement",
        "kappa",
        "replicates",
        "comparison",
        "baselines",
        "examples",
        "select",
        "provenance",
    ]
    for collection in ("mlp", "lenet"):
        for split in ("train", "test"):
            assert f"<h3><bdi>{collection}, {split}</bdi>" in two_collections
            assert f"Histograms of TP-agreement of {collection}, {split}" in two_collections
            assert f"Fleiss&#39; kappa of {collection}, {split}" in two_collections
            assert f"Bimodality of {collection}, {split}" in two_collections


@pytest.mark.usefixtures("plain_figures")
def test_answer_has_the_numbers_that_the_measures_give(
    digits_log: Callable[..., Any], tmp_path: Path
) -> None:
    from learnorder.measures.summary import summarise

    log = digits_log()
    page = page_of({"mlp": log}, tmp_path, examples=False)
    found = summarise(log["test"])
    assert f"{found['order']['reliability']:.3f}" in page
    assert f"{found['per_epoch'][-1]['fleiss_kappa']:.3f}" in page
    assert f"{100 * found['per_epoch'][-1]['accuracy_mean']:.1f}\xa0%" in page


def test_every_picture_is_inside_the_file_and_has_words(two_collections: str, tree_of) -> None:
    tree = tree_of(two_collections)
    sources = tree.values("src") + tree.values("srcset")
    assert len(sources) > 30
    assert all(s.startswith("data:image/svg+xml;") for s in sources)
    assert len(tree.values("alt")) == tree.tags.count("img")
    assert all(tree.values("alt"))


def test_a_phone_gets_its_own_distribution_and_paper_does_not(two_collections: str) -> None:
    sources = re.findall(r"<source media=\"([^\"]*)\"", two_collections)
    assert set(sources) == {"screen and (max-width: 44rem)"}


def test_every_rule_of_the_style_is_for_something_on_the_page(two_collections: str) -> None:
    style = two_collections.split("<style>")[1].split("</style>")[0]
    selectors = re.findall(r"^([a-z][a-z0-9]*)\b[^{]*\{", style, flags=re.MULTILINE)
    tags = set(re.findall(r"<([a-z][a-z0-9]*)", two_collections)) | {"blockquote", "pre"}
    assert {name for name in selectors if name not in tags} == set()


def test_numbers_by_epoch_have_every_line_of_the_figures(two_collections: str) -> None:
    for line in ("kappa", "kappa of predictions", "bimodality"):
        assert f'<th scope="col" class="n">{line}</th>' in two_collections


def digest_of(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_page_has_only_the_script_and_the_style_its_policy_names(
    two_collections: str, tree_of
) -> None:
    tree = tree_of(two_collections)
    assert tree.foreign() == set()
    style = two_collections.split("<style>")[1].split("</style>")[0]
    script = two_collections.split("<script>")[1].split("</script>")[0]
    assert tree.tags.count("script") == 2  # the other is data, which nothing runs
    assert tree.values("type").count("application/json") == 1
    assert tree.values("content")[0] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest_of(style)}'; "
        f"script-src 'sha256-{digest_of(script)}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "innerHTML" not in script
    links = [link for link in tree.values("href") if not link.startswith("data:image/")]
    assert all(link.startswith("#") for link in links)


def test_the_order_is_shown_in_pictures_each_of_which_is_there_once(two_collections: str) -> None:
    shown = re.findall(r'<use href="#sheet-0"', two_collections)
    assert two_collections.count('<image id="sheet-0"') == 1
    assert len(shown) == two_collections.count('class="thumbnail"') > 100
    for title in ("Learned first", "Learned last", "Forgotten most often", "Wrong together"):
        assert two_collections.count(f"<h4>{title}</h4>") == 4


@pytest.mark.usefixtures("plain_figures")
def test_examples_can_be_left_out(tmp_path: Path, small_log) -> None:
    page = page_of({"mlp": small_log()}, tmp_path, examples=False)
    for part in ('id="examples"', 'class="card', "<script", "data-plane", "script-src"):
        assert part not in page


@pytest.mark.usefixtures("plain_figures")
def test_features_only_data_shows_a_table_of_ids(tmp_path: Path, small_log) -> None:
    page = page_of({"mlp": small_log()}, tmp_path)
    section = page.split('<section id="examples">')[1].split("</section>")[0]
    assert 'class="card' not in section
    assert section.count('<th scope="row">') > 2 * 2 * 12


@pytest.mark.usefixtures("plain_figures")
def test_texts_are_shown_cut_and_escaped(tmp_path: Path, small_log) -> None:
    log = small_log()
    texts = tuple(f"<b>text {i}</b> " + "word " * 100 for i in range(60))
    log.shown = {split: Previews(np.arange(60), texts=texts) for split in ("train", "test")}
    page = page_of({"mlp": log}, tmp_path)
    static = page.split("<script")[0]
    assert static.count("<blockquote") == static.count("… cut here") > 2 * 2 * 12
    assert "&lt;b&gt;text" in page


@pytest.mark.usefixtures("plain_figures")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"n_replicates": 1}, "there is 1 replicate"),
        ({"n_replicates": 2}, "there are 2"),
        ({"n_epochs": 1, "n_replicates": 5}, ""),
        ({"n_replicates": 1, "n_epochs": 1}, "there is 1 replicate"),
    ],
)
def test_few_replicates_or_epochs_give_a_page_with_reasons(
    how, reason, tmp_path: Path, small_log, tree_of
) -> None:
    page = page_of({"mlp": small_log(**how)}, tmp_path)
    text = tree_of(page).text
    assert ("undefined" in text or "not judged without an interval" in text) == bool(reason)
    assert reason in page
    assert not re.search(r"\bnan\b|\bNone\b", tree_of(page).text)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.usefixtures("plain_figures")
def test_constant_accessibility_gives_a_page_with_reasons(
    right: bool, tmp_path: Path, stand_in, tree_of
) -> None:
    labels = np.arange(40) % 2
    predictions = np.broadcast_to(labels if right else 1 - labels, (3, 2, 40))
    log = stand_in({"test": from_arrays(predictions, labels)})
    page = page_of({"a": log, "b": log}, tmp_path)
    assert "Whether an order is shared cannot be said" in page
    assert "There is no first or last example: all 40 examples have the same value." in page
    assert not re.search(r"\bnan\b|\bNone\b", tree_of(page).text)


@pytest.mark.usefixtures("plain_figures")
def test_replicates_left_out_are_named_once_with_their_reason(tmp_path: Path, small_log) -> None:
    log = small_log()
    for split in log.splits.values():
        split.attrs["n_replicates_planned"] = 5
        split.attrs["left_out"] = [{"seed": 4, "status": "failed", "reason": "NaN at epoch 2"}]
    page = page_of({"mlp": log}, tmp_path)
    assert page.count("seed 4 (failed: NaN at epoch 2)") == 1
    assert "4 of 5 replicates" in page


@pytest.mark.usefixtures("plain_figures")
def test_split_without_labels_shows_agreement_alone(
    tmp_path: Path, small_log, stand_in, simulate
) -> None:
    labelled = small_log().splits
    votes = simulate(np.arange(60) % 3, n_replicates=4, n_epochs=3, n_classes=3)
    log = stand_in({**labelled, "outside": from_arrays(votes, split="outside")})
    page = page_of({"mlp": log, "same": log}, tmp_path)
    assert "This split has no labels" in page
    assert "Histograms of agreement of mlp, outside" in page
    assert "Least agreed upon" in page
    assert "Bimodality of mlp, outside" not in page
    assert "Between collections, outside" not in page


@pytest.mark.usefixtures("plain_figures")
def test_a_log_from_before_training_on_has_panels_after_training_began(
    tmp_path: Path, stand_in, simulate
) -> None:
    labels = np.arange(60) % 3
    votes = simulate(labels, n_replicates=4, n_epochs=3, n_classes=3)
    log = stand_in({"test": from_arrays(votes, labels, epochs=[0, 0.5, 2])})
    page = page_of({"mlp": log}, tmp_path)
    assert "Histograms of TP-agreement of mlp, test after epochs 0.5, 2." in page
    assert "Mean accuracy of mlp, epoch 0 to 2:" in page


@pytest.mark.usefixtures("plain_figures")
def test_a_comparison_that_is_given_is_the_one_shown(tmp_path: Path, small_log) -> None:
    logs = {"a": small_log(), "b": small_log(seed=1)}
    given = compare({name: log["test"] for name, log in logs.items()})
    page = page_of(logs, tmp_path, comparison={"test": given})
    assert "Between collections, test" in page
    assert "Between collections, train" not in page
    assert f"{given.pairs[0].corrected:.3f}" in page


@pytest.mark.usefixtures("plain_figures")
def test_a_comparison_on_another_clock_is_shown_and_one_without_levels_says_why(
    tmp_path: Path, small_log
) -> None:
    logs = {"a": small_log(), "b": small_log(seed=1)}
    splits = {name: log["test"] for name, log in logs.items()}
    given = compare(splits, "accuracy")
    page = page_of(logs, tmp_path, comparison={"test": given})
    assert f"{given.pairs[0].corrected:.3f}" in page
    assert "Replicates are matched at 10 accuracies" in page
    early = {"a": splits["a"].isel(epoch=[-1]), "b": splits["b"].isel(epoch=[-1])}
    page = page_of(logs, tmp_path, comparison={"test": compare(early, "accuracy")})
    assert "no range of accuracy that all replicates pass" in page


def test_the_same_logs_give_the_same_bytes(tmp_path: Path, small_log) -> None:
    pages = [page_of({"mlp": small_log()}, tmp_path / name) for name in ("a", "b")]
    assert pages[0] == pages[1]


@pytest.mark.slow
@pytest.mark.usefixtures("plain_figures")
def test_sixty_thousand_examples_make_a_small_page(
    tmp_path: Path, stand_in, collection_log
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 12, size=60_000)
    positions = np.arange(0, 60_000, 3)
    pictures = rng.integers(0, 256, size=(len(positions), 64, 64, 3), dtype=np.uint8)
    splits = {
        split: collection_log(labels[:n], split=split, n_replicates=5, n_epochs=10)
        for split, n in (("train", 60_000), ("test", 10_000))
    }
    logs = {"mlp": stand_in(splits, dict.fromkeys(splits, Previews(positions, pictures)))}
    path = render_report(logs, tmp_path / "large.html")
    assert path.stat().st_size < 5_000_000


@pytest.mark.usefixtures("plain_figures")
def test_logs_over_other_examples_are_refused_by_name(
    tmp_path: Path, small_log, stand_in, collection_log
) -> None:
    other = stand_in({"test": collection_log(np.arange(50) % 3, n_replicates=3, n_epochs=2)})
    with pytest.raises(ExamplesDiffer, match=r"'mlp' and 'cnn'.*60 and 50"):
        render_report({"mlp": small_log(), "cnn": other}, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnOrderError, match=r"^render_report: no log was given\."):
        render_report({}, tmp_path / "report.html")


@pytest.mark.usefixtures("plain_figures")
def test_only_a_report_is_replaced(tmp_path: Path, small_log) -> None:
    kept = tmp_path / "thesis.html"
    kept.write_text("<p>three years of work</p>")
    with pytest.raises(LearnOrderError, match=r"thesis\.html' exists and is not a report"):
        render_report({"mlp": small_log()}, kept)
    assert kept.read_text() == "<p>three years of work</p>"
    page = page_of({"mlp": small_log()}, tmp_path)
    assert page_of({"mlp": small_log(n_replicates=5)}, tmp_path) != page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "thesis.html"]


def test_a_folder_is_refused_as_the_output(tmp_path: Path, small_log) -> None:
    with pytest.raises(LearnOrderError, match=r"is a folder\. The report is one file"):
        render_report({"mlp": small_log()}, tmp_path)


def test_a_log_as_the_output_is_refused_with_a_place_beside_it(tmp_path: Path, small_log) -> None:
    import_log(from_arrays([[[0, 1]]]), tmp_path / "a.zarr")
    with pytest.raises(LearnOrderError, match=r"Write it to '.*/a\.html'") as caught:
        render_report({"mlp": small_log()}, tmp_path / "a.zarr")
    render_report({"mlp": small_log()}, Path(str(caught.value).split("'")[-2]))


def test_a_device_or_pipe_is_never_replaced(tmp_path: Path, small_log) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(LearnOrderError, match="is a device or a pipe"):
        render_report({"mlp": small_log()}, pipe)
    assert pipe.is_fifo()


def test_an_output_below_a_file_is_one_line(tmp_path: Path, small_log) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LearnOrderError, match=r"report\.html' cannot be written \("):
        render_report({"mlp": small_log()}, tmp_path / "file" / "report.html")


@pytest.mark.usefixtures("plain_figures")
def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_log
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(LearnOrderError, match="No space left on device"):
        render_report({"mlp": small_log()}, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_log_too_large_to_keep_in_memory_gives_the_same_page(tiny_log, tmp_path, monkeypatch):
    pages = []
    for most in (render.MOST_LOADED, 0):
        monkeypatch.setattr(render, "MOST_LOADED", most)
        log = open_log(tiny_log)
        pages.append(render_report({"tiny": log}, tmp_path / f"{most}.html").read_bytes())
        assert log["train"]["prediction"]._in_memory is False
    assert pages[0] == pages[1]


def test_a_log_with_probabilities_has_a_data_map_whose_cells_select(
    tmp_path: Path, stand_in, simulate
) -> None:
    labels = np.arange(60) % 3
    votes = simulate(labels, n_replicates=3, n_epochs=4, n_classes=3)
    chances = np.where(votes == labels, 0.8, 0.1)
    log = from_arrays(votes, labels, probabilities=chances, split="test")
    page = page_of({"mlp": stand_in({"test": log})}, tmp_path)
    section = page.split('<section id="data-map">')[1].split("</section>")[0]
    confidence = chances.mean(axis=(0, 1))
    share = f"{100 * (confidence >= 0.75).mean():.1f}\xa0%"
    assert f"Mean confidence is at least 0.75 for {share} of the examples" in section
    assert "variability" in html.unescape(section.split("data-plane=")[1].split(">")[0])
    assert "data-map" not in page_of(
        {"mlp": stand_in({"test": from_arrays(votes, labels)})}, tmp_path
    )


def test_page_text_says_what_every_figure_shows(two_collections: str) -> None:
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", two_collections, flags=re.DOTALL)
    readings = [re.sub(r"<b>.*?</b>|<[^>]*>", "", caption).strip() for caption in captions]
    assert len(readings) == two_collections.count("<figure")
    assert all(reading.endswith(".") and len(reading) > 20 for reading in readings)
