"""Tables fit the terminal without breaking a number; words follow their numbers; bars are alike."""

from __future__ import annotations

import json
import re
import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from click.testing import CliRunner

from learnorder.cli import WALK, main
from learnorder.cli.output import UNBROKEN, echo_json, echo_table
from learnorder.cli.progress import BAR_WIDTH, ProgressDisplay, bar, cost_line
from learnorder.collection.progress import CostEstimate, Progress
from learnorder.measures.catalogue import CATALOGUE
from learnorder.training.execution import Execution

COMPARED = (
    [
        "a",
        "b",
        "examples",
        "pearson",
        "pearson_ci",
        "spearman",
        "noise_ceiling",
        "corrected",
        "corrected_ci",
    ],
    [
        ["mlp", "resnet-8", "all", 0.5, (0.41, 0.58), 0.52, 0.96, 0.521, (0.43, 0.6)],
        ["mlp", "resnet-8", "within class", -0.25, None, 0.3, 0.9, None, None],
    ],
)


class Terminal(StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        """Yes."""
        return True

    @property
    def words(self) -> list[str]:
        """Everything printed, without colours and bars."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[━╸╺]", " ", self.getvalue()).split()

    @property
    def lines(self) -> list[str]:
        """Lines without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue()).splitlines()


def a_terminal(monkeypatch, width: int = 60) -> Terminal:
    """Stand for stdout and stderr; not a fixture, since pytest puts its own there after those."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    return shown


@pytest.mark.parametrize("width", [40, 60, 72, 100, 200])
def test_no_number_is_folded_and_none_is_lost(monkeypatch, width):
    terminal = a_terminal(monkeypatch, width)
    echo_table(*COMPARED, title="orders", keys=3)
    assert max(map(len, terminal.lines)) <= width
    numbers = [
        "0.500",
        "0.410",
        "0.580",
        "0.520",
        "0.960",
        "0.521",
        "0.430",
        "0.600",
        "-0.250",
        "0.300",
        "0.900",
    ]
    assert [terminal.words.count(number) for number in numbers] == [1] * len(numbers)
    assert terminal.words.count("undefined") == 3


def test_no_name_of_a_measure_is_folded():
    assert max(len(measure.name) for measure in CATALOGUE) <= UNBROKEN


def test_columns_without_room_stand_beneath_beside_what_the_rows_are_about(monkeypatch):
    terminal = a_terminal(monkeypatch)
    echo_table(*COMPARED, keys=3)
    first, second = "\n".join(terminal.lines).split("\n\n")
    for block in (first, second):
        assert ["a", "b", "examples"] in [line.split()[:3] for line in block.splitlines()]
        assert block.count("resnet-8") == 2
    assert "pearson" in first
    assert "corrected" not in first
    assert "corrected" in second


def test_texts_shrink_before_anything_is_moved(monkeypatch):
    terminal = a_terminal(monkeypatch)
    path = "/a/path/of/more/than/sixty/letters/that/does/not/fit/into/a/line/of/it.zarr"
    about = "a long description of it that fills more than a single line of a narrow terminal"
    echo_table(("name", "replicates", "about"), [(path, 12_345_678, about)])
    printed = "\n".join(terminal.lines)
    assert max(map(len, terminal.lines)) <= 60
    assert "12345678" in terminal.words
    assert printed.count("replicates") == 1
    assert set(about.split()) <= set(terminal.words)


def test_a_table_that_fits_keeps_its_names(monkeypatch):
    terminal = a_terminal(monkeypatch)
    echo_table(("epoch", "accuracy_mean"), [(1, 0.5)], title="split test")
    lines = [line.rstrip() for line in terminal.lines]
    assert lines == ["split test", "epoch  accuracy_mean", "1      0.500"]


def test_an_empty_table_is_no_accident(monkeypatch):
    terminal = a_terminal(monkeypatch, 20)
    echo_table(("first column", "second column", "third"), [])
    assert {"first", "second", "third"} <= set(terminal.words)


def test_names_in_json_are_readable(capsys):
    echo_json({"class": "Käfer", "path": "日本"})
    printed = capsys.readouterr().out
    assert "Käfer" in printed
    assert json.loads(printed)["path"] == "日本"


@pytest.mark.parametrize("name", ["Käfer", "lone \udcff surrogate"])
def test_json_that_the_terminal_cannot_show_is_escaped(monkeypatch, name):
    raw = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding="ascii", write_through=True))
    echo_json({"class": name})
    assert json.loads(raw.getvalue().decode("ascii")) == {"class": name}


def test_one_is_singular():
    cost = CostEstimate(1, 1, Execution(), 1, seconds=3, disk=10, memory=10)
    assert cost_line(cost).startswith("1 replicate x 1 epoch on 1 process: ")
    cost = CostEstimate(1200, 2, Execution(), 8, seconds=3, disk=10, memory=10)
    assert cost_line(cost).startswith("1,200 replicates x 8 epochs on 2 processes: ")


def test_bars_of_all_commands_look_alike(monkeypatch):
    terminal = a_terminal(monkeypatch, BAR_WIDTH + 40)
    with ProgressDisplay() as display:
        display(Progress(1, 0, 2, 5, 10, 4.0, 4.0))
    training = "".join(terminal.lines)
    terminal.truncate(0)
    with bar("compacting", "replicate") as show:
        show(1, 2)
    compacting = "".join(terminal.lines)
    assert "compacting: 1 of 2 replicates" in compacting
    for printed in (training, compacting):
        assert "━" in printed
        assert re.search(r"\d+ s left", printed)


def test_a_bar_in_a_narrow_terminal_is_its_text(monkeypatch):
    terminal = a_terminal(monkeypatch)
    with bar("compacting", "replicate") as show:
        show(1, 1)
    assert " ".join(terminal.words).startswith("compacting: 1 of 1 replicate; 0 s left")
    assert "━" not in terminal.getvalue()


def test_without_a_terminal_there_is_no_bar(capsys):
    with bar("compacting", "replicate") as show:
        assert show is None
    assert capsys.readouterr().err == ""


def test_the_log_is_named_alike_in_every_usage():
    usages = {}
    for command in WALK:
        printed = CliRunner().invoke(main, [command.name, "--help"]).output
        usages[command.name] = printed.splitlines()[0].split("[OPTIONS]")[1].strip()
    takers = {name: usage for name, usage in usages.items() if "LOG" in usage}
    several = {"merge", "compare", "report"}
    assert takers == {name: "LOG..." if name in several else "LOG" for name in takers}
    assert len(takers) >= 8
