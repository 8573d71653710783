"""Lines taken apart many at once are the rows that `csv` reads, or are left to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from learnorder.errors import LearnOrderError
from learnorder.exchange import csv_rows
from learnorder.exchange.csv_lines import LONGEST_CELL, plain_columns
from learnorder.exchange.csv_rows import csv_table

HEADER = b"id,prediction\n"


def rows_of(content: bytes, **changed) -> list[tuple[str, ...]] | str:
    """Rows of a file, or why there are none."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.multiple(csv_rows, **{"ROWS": csv_rows.ROWS, **changed}),
    ):
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        found: list[tuple[str, ...]] = []
        try:
            table = csv_table(path)
            for batch in table.batches(table.columns):
                columns = [[words[i] for i in range(len(words))] for words in batch.values()]
                found += zip(*columns, strict=True)
        except LearnOrderError as error:
            return str(error).replace(folder, "")
        return found


def only_csv(lines: bytes) -> None:
    return None


CELLS = st.sampled_from(
    ["a", "b", "12345678", "123456789", "é", "", '"a"', '"a,b"', '"a""b"', '"a\nb"', 'a"b', "a\r"]
)
LINES = st.lists(CELLS, min_size=1, max_size=3).map(",".join)
LIKELY = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\n\n", "\r"]))).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)
ANY = st.text(alphabet='ab,"\n\r\0é', max_size=40).map(str.encode)


@settings(max_examples=150, deadline=None)
@given(body=LIKELY | ANY | st.binary(max_size=20), block=st.sampled_from([5, 1 << 12]))
@example(body=b"a,1\nb,2", block=5)
@example(body=b'"a",1\r\n"b",2\r\n', block=1 << 12)
@example(body=b'a,1\n"b\nc",2\nd,3\n', block=5)
@example(body=b"a,1\nb\nc,2,3\n", block=1 << 12)
@example(body=b"a,1\nb,\xff\n", block=1 << 12)
@example(body=b"a,1\n\xef\xbb\xbfb,2\n", block=5)
def test_rows_and_errors_are_those_of_csv(body, block):
    found = rows_of(HEADER + body, BLOCK=block, LARGEST_BLOCK=block)
    expected = rows_of(HEADER + body, plain=only_csv)
    if isinstance(expected, str) and isinstance(found, str):
        assert found.partition(" (")[0] == expected.partition(" (")[0]
    else:
        assert found == expected


@pytest.mark.parametrize(
    "header", [b"id,prediction\r\n", b'"id","prediction"\n', b"\xef\xbb\xbfid,prediction\n"]
)
def test_headers_as_other_programs_write_them(header):
    assert rows_of(header + b"a,1\nb,2\n") == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("length", [1, 7, 8, 9, 16, 17, LONGEST_CELL, LONGEST_CELL + 1])
def test_cells_that_differ_in_one_byte_are_different(length):
    cells = ["x" * length, "x" * (length - 1) + "y", "x" * (length - 1), "x" * length]
    rows = [(cell, "1") for cell in cells]
    assert rows_of(HEADER + "".join(f"{cell},1\n" for cell in cells).encode()) == rows


def test_words_come_in_the_order_of_their_first_appearance():
    (ids, votes) = plain_columns(b"b,1\na,1\nb,0\n", 2, [0, 1])
    assert ids.words.tolist() == ["b", "a"]
    assert ids.codes.tolist() == [0, 1, 0]
    assert votes.words.tolist() == ["1", "0"]


@pytest.mark.parametrize(
    "lines", [b"a\n", b"a,b,c\n", b"a,1\nb\nc,2,3\n", b"a,1\n\n", b'"a\n",1\n']
)
def test_what_is_not_plain_is_left_to_csv(lines):
    assert plain_columns(lines, 2, [0]) is None


def test_many_blank_lines_are_not_the_end():
    content = HEADER + b"a,1\n" + b"\n" * 50 + b"b,2\n"
    assert rows_of(content, ROWS=10) == [("a", "1"), ("b", "2")]
