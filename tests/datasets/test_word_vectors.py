from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.datasets.word_vectors import read_word_vectors
from learnorder.errors import DataNotFound


@pytest.fixture
def write(tmp_path):
    def save(content):
        path = tmp_path / "vectors.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


def test_glove_lines_are_read(write):
    vectors = read_word_vectors(write("the 0.5 -1e-3\nüber 2 3\n"))
    assert vectors.words == ("the", "über")
    assert vectors.vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors.vectors, np.float32([[0.5, -1e-3], [2, 3]]))


def test_a_word2vec_header_is_left_out_and_checked(write, refused):
    assert read_word_vectors(write("2 3\na 1 2 3 \nb 4 5 6 \n")).vectors.shape == (2, 3)
    path = write("3 3\na 1 2 3\nb 4 5 6\n")
    refused(lambda: read_word_vectors(path), "2 words", "3 are expected")


def test_a_published_word_with_spaces_is_one_word(write):
    assert read_word_vectors(write("a 1 2\n. . . 3 4\n")).words == ("a", ". . .")


def test_only_a_single_space_parts_a_word(write):
    assert read_word_vectors(write("a\u00a0b 1 2\nc\u0085 3 4\n")).words == ("a\u00a0b", "c\u0085")


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        ("a 1 2\nb 3\n", ("line 2", "1 values", "2 are expected")),
        ("a 1 2\nb 3 4 5\n", ("line 2", "3 values")),
        ("a 1 2\n\nb 3 4\n", ("line 2",)),
        ("a\n", ("line 1", "at least 1")),
        ("a 1 2\nb 3 four\n", ("'four'", "line 2", "value 2", "'b'")),
        ("a 1 nan\n", ("'nan'", "line 1")),
        ("a 1 1e99\n", ("'1e99'", "line 1")),
        ("a 1 2\nb 3 4\na 5 6\n", ("'a'", "line 3", "line 1")),
        (b"a 1 2\n\xff\xfe 3 4\n", ("line 2", "UTF-8")),
        ("", ("0 words",)),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(write, content, fragments, refused):
    path = write(content)
    refused(lambda: read_word_vectors(path), "vectors.txt", *fragments)


def test_a_missing_file_is_refused(tmp_path, refused):
    refused(lambda: read_word_vectors(tmp_path / "no.txt"), "no.txt", error=DataNotFound)


def _texts(folder):
    (folder / "train.csv").write_text("text,label\na,0\nb,1\n")
    (folder / "test.csv").write_text("text,label\na,0\n")


def test_embeddings_are_looked_for_in_the_dataset_then_in_the_working_folder(
    write, tmp_path, monkeypatch, refused
):
    _texts(tmp_path)
    write("a 1 2\n")
    load = lambda name: load_dataset("csv", tmp_path, text_column="text", embeddings=name)  # noqa: E731
    assert load("vectors.txt").word_vectors.words == ("a",)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.txt").write_text("b 1\n")
    refused(lambda: load("other.txt"), "other.txt", str(tmp_path), error=DataNotFound)
    monkeypatch.chdir(elsewhere)
    assert load("other.txt").word_vectors.words == ("b",)


def test_embeddings_for_images_are_refused(refused):
    refused(lambda: load_dataset("digits", embeddings="glove.txt"), "'glove.txt'", "image")
