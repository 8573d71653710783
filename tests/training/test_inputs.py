"""Encoding is exact and repeatable; what is saved comes back as read-only maps."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from learnorder.datasets import normalisation
from learnorder.datasets.dataset import Dataset, Split, WordVectors
from learnorder.errors import DataNotFound, ExtraMissing, LearnOrderError
from learnorder.schema import Examples
from learnorder.training.architectures import build
from learnorder.training.inputs import (
    InputShape,
    NetworkInputs,
    encode,
    load,
    save,
    select,
    to_tensors,
)


def split(values: Any, labels: Any = None) -> Split:
    labels = None if labels is None else np.asarray(labels, np.int64)
    return Split(values, Examples(np.arange(len(values)), labels))


def dataset(kind: Any, train: Any, test: Any, n_classes: int = 2, **more: Any) -> Dataset:
    splits = {
        "train": split(train, np.arange(len(train)) % n_classes),
        "test": split(test, np.zeros(len(test), np.int64)),
    }
    names = tuple(f"class {i}" for i in range(n_classes))
    return Dataset("by hand", kind, {**splits, **more.pop("splits", {})}, names, **more)


def texts(*given: str) -> np.ndarray:
    array = np.empty(len(given), object)
    array[:] = given
    return array


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalisation, "BLOCK_VALUES", 100)


# images


def test_grey_images_get_a_channel() -> None:
    train = pixels(9, 4, 5)
    encoded = encode(dataset("image", train, pixels(3, 4, 5)))
    assert encoded.shape == InputShape("image", (1, 4, 5))
    assert encoded.splits["train"].dtype == np.uint8
    assert np.array_equal(encoded.splits["train"][:, 0], train)
    assert {k: len(v) for k, v in encoded.splits.items()} == {"train": 9, "test": 3}
    assert encoded.embedding is None
    assert encoded.n_classes == 2


def test_colours_come_before_height_and_width() -> None:
    train = pixels(9, 4, 5, 3)
    encoded = encode(dataset("image", train, pixels(3, 4, 5, 3)))
    stored = encoded.splits["train"]
    assert encoded.shape.shape == (3, 4, 5)
    assert stored.flags.c_contiguous
    assert np.array_equal(stored[2, 1], train[2, :, :, 1])


@pytest.mark.usefixtures("tiny_blocks")
def test_pixel_moments_are_those_of_the_training_split_per_channel() -> None:
    train = pixels(31, 4, 5, 3)
    encoded = encode(dataset("image", train, np.zeros((3, 4, 5, 3), np.uint8)))
    scaled = train.astype(np.float64) / 255
    np.testing.assert_allclose(encoded.mean, scaled.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(encoded.std, scaled.std((0, 1, 2)), rtol=1e-6)
    assert encoded.mean.dtype == encoded.std.dtype == np.float32


def test_blocks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset("image", pixels(31, 4, 5, 3), pixels(3, 4, 5, 3))
    whole = encode(data)
    normalised = to_tensors(whole, "train")
    monkeypatch.setattr(normalisation, "BLOCK_VALUES", 100)
    in_blocks = encode(data)
    assert np.array_equal(whole.mean, in_blocks.mean)
    assert np.array_equal(whole.std, in_blocks.std)
    assert torch.equal(to_tensors(in_blocks, "train"), normalised)


@pytest.mark.usefixtures("tiny_blocks")
def test_normalised_images_have_mean_zero_and_deviation_one() -> None:
    encoded = encode(dataset("image", pixels(31, 4, 5, 3), pixels(3, 4, 5, 3)))
    x = to_tensors(encoded, "train")
    assert x.dtype == torch.float32
    assert x.shape == (31, 3, 4, 5)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3), rtol=1e-5, atol=0)


def test_a_channel_of_one_value_becomes_zero() -> None:
    train = pixels(9, 4, 5, 3)
    train[..., 1] = 77
    encoded = encode(dataset("image", train, pixels(3, 4, 5, 3)))
    assert encoded.std[1] == 1
    assert to_tensors(encoded, "train")[:, 1].abs().max() < 1e-6


def test_fashion_mnist_has_its_published_moments(data_dir: Path) -> None:
    import gzip

    packed = gzip.decompress((data_dir / "fashion-mnist/train-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(packed, np.uint8, offset=16).reshape(-1, 28, 28)
    encoded = encode(dataset("image", images, images[:2]))
    assert float(encoded.mean[0]) == pytest.approx(0.2860, abs=5e-5)
    assert float(encoded.std[0]) == pytest.approx(0.3530, abs=5e-5)


# features


@pytest.mark.usefixtures("tiny_blocks")
def test_feature_moments_survive_a_large_mean() -> None:
    random = np.random.default_rng(0)
    train = random.normal([0, 1000, 1e6], [1, 1, 4], (500, 3)).astype(np.float32)
    encoded = encode(dataset("features", train, train[:5]))
    exact = train.astype(np.float64)
    np.testing.assert_allclose(encoded.mean, exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(encoded.std, exact.std(0), rtol=1e-6)
    x = to_tensors(encoded, "train").numpy().astype(np.float64)
    np.testing.assert_allclose(x.std(0), 1, rtol=1e-4)
    assert encoded.shape == InputShape("features", (3,))


@pytest.mark.parametrize("value", [0.0, 0.1, -3e5, 3e38, 1e-45])
def test_a_constant_feature_becomes_zero(value: float) -> None:
    train = np.full((1001, 2), value, np.float32)
    train[:, 1] = np.arange(1001)
    encoded = encode(dataset("features", train, train[:5]))
    assert encoded.std[0] == 1
    assert torch.count_nonzero(to_tensors(encoded, "train")[:, 0]) == 0


def test_feature_that_is_not_finite_names_its_place() -> None:
    test = np.zeros((5, 4), np.float32)
    test[3, 2] = np.nan
    with pytest.raises(LearnOrderError, match="feature 2 of example 3 of split 'test' is nan"):
        encode(dataset("features", np.ones((5, 4), np.float32), test))


def test_feature_too_large_for_float32_is_refused() -> None:
    with pytest.raises(LearnOrderError, match="feature 0 of example 0 of split 'train' is inf"):
        encode(dataset("features", np.full((5, 4), 1e300), np.ones((5, 4))))


# texts


def encode_texts(*train: str, test: tuple[str, ...] = ("a",), **options: Any) -> NetworkInputs:
    vectors = options.pop("vectors", None)
    data = dataset("text", texts(*train), texts(*test), word_vectors=vectors)
    return encode(data, **options)


def test_tokens_are_lower_case_without_accents_and_punctuation_stands_alone() -> None:
    encoded = encode_texts("Café, café CAFÉ... cafe!", "don't", max_tokens=10)
    first, second = encoded.splits["train"]
    # most frequent first, ties in alphabetical order: cafe and . then ! ' , don t
    cafe, stop, bang, quote, comma, don, t = range(2, 9)
    assert encoded.shape.vocabulary_size == 9
    assert first.tolist() == [cafe, comma, cafe, cafe, stop, stop, stop, cafe, bang, 0]
    assert second.tolist() == [don, quote, t, 0, 0, 0, 0, 0, 0, 0]
    assert encoded.mean is encoded.std is None


def test_vocabulary_is_the_most_frequent_words_of_training_alone_ties_by_alphabet() -> None:
    encoded = encode_texts(
        "z z y x w v", "x", test=("v w x y z new",), vocabulary_limit=3, max_tokens=6
    )
    # x and z twice, then the first of v, w, y
    assert encoded.shape == InputShape("text", (6,), vocabulary_size=5)
    assert encoded.splits["test"].tolist() == [[4, 1, 2, 1, 3, 1]]
    assert encoded.embedding is None


@pytest.mark.parametrize("nothing", ["", "   \n", "\u0301"])
def test_a_text_without_tokens_is_one_unknown_token(nothing: str) -> None:
    encoded = encode_texts("a b", nothing, test=(nothing, "zzz"), max_tokens=3)
    assert encoded.splits["train"][1].tolist() == [1, 0, 0]
    assert encoded.splits["test"].tolist() == [[1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("reserved", ["[PAD]", "[UNK] [PAD]", "[pad]"])
def test_reserved_names_in_a_text_are_ordinary_words(reserved: str) -> None:
    encoded = encode_texts("[ ] pad unk", test=(reserved,), max_tokens=8)
    ids = encoded.splits["test"][0]
    assert (ids[: 3 * len(reserved.split())] > 1).all()


def test_texts_are_cut_at_max_tokens() -> None:
    encoded = encode_texts("a b c d e", max_tokens=2)
    assert encoded.splits["train"].shape == (1, 2)
    assert encoded.splits["train"].dtype == np.int32
    assert encoded.shape.vocabulary_size == 7


def test_word_vectors_give_the_vocabulary_and_its_rows() -> None:
    vectors = WordVectors(
        ("absent", "b", "a", "b"), np.arange(12, dtype=np.float32).reshape(4, 3) + 1
    )
    encoded = encode_texts("a b b c", test=("C b A absent",), vectors=vectors, max_tokens=5)
    assert encoded.shape == InputShape("text", (5,), vocabulary_size=4, embedding_dim=3)
    assert encoded.splits["train"].tolist() == [[3, 2, 2, 1, 0]]
    assert encoded.splits["test"].tolist() == [[1, 2, 3, 1, 0]]
    assert encoded.embedding.tolist() == [[0, 0, 0], [0, 0, 0], [4, 5, 6], [7, 8, 9]]
    assert encoded.embedding.dtype == np.float32


def test_word_vectors_of_no_training_word_are_refused() -> None:
    vectors = WordVectors(("House",), np.ones((1, 3), np.float32))
    with pytest.raises(LearnOrderError, match="none of the 1 words with vectors occurs"):
        encode_texts("a house", vectors=vectors)


def test_encoding_texts_again_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from learnorder.training import tokens

    random = np.random.default_rng(0)
    corpus = [" ".join(f"w{i}" for i in random.zipf(1.5, 30) % 200) for _ in range(300)]
    first = encode_texts(*corpus, vocabulary_limit=50)
    monkeypatch.setattr(tokens, "_TEXTS_AT_A_TIME", 7)
    again = encode_texts(*corpus, vocabulary_limit=50)
    assert np.array_equal(first.splits["train"], again.splits["train"])


def test_token_ids_become_int64_as_they_are() -> None:
    encoded = encode_texts("a b a", max_tokens=4)
    tensor = to_tensors(encoded, "train")
    assert tensor.dtype == torch.int64
    assert tensor.tolist() == encoded.splits["train"].tolist()


def test_input_that_is_no_text_names_its_place() -> None:
    given = texts("a", "b")
    given[1] = None
    with pytest.raises(LearnOrderError, match="input 1 of split 'test' is NoneType, not a text"):
        encode(dataset("text", texts("a"), given))


def test_half_a_surrogate_pair_names_its_place() -> None:
    with pytest.raises(LearnOrderError, match=r"text 0 of split 'train' .* at character 2"):
        encode_texts("ab\ud800c")


@pytest.mark.parametrize("options", [{"max_tokens": 0}, {"vocabulary_limit": 0}])
def test_limits_below_one_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(
        LearnOrderError, match=f"{next(iter(options))} is 0|{next(iter(options))} 0"
    ):
        encode_texts("a", **options)


def test_without_the_tokeniser_the_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'learnorder\[train\]'"):
        encode_texts("a")


# what does not fit


def test_splits_without_labels_stay_without() -> None:
    data = dataset(
        "features", np.eye(4), np.eye(4), splits={"else": split(np.eye(4, dtype=np.float32))}
    )
    encoded = encode(data)
    assert encoded.labels["else"] is None
    assert encoded.labels["train"].tolist() == [0, 1, 0, 1]
    assert encoded.labels["train"].dtype == np.int64
    assert list(encoded.splits) == ["train", "test", "else"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"test": split(np.zeros((0, 3)), [])}, "'test' has 0 inputs for 0 examples"),
        ({"train": split(np.eye(3))}, "split 'train' has no labels"),
        ({"train": split(np.eye(3), [0, 1, 2])}, "'train' go from 0 to 2. 2 classes have"),
        ({"test": split(np.eye(3), [0, -1, 1])}, "'test' go from -1 to 1"),
        ({"test": split(np.zeros((3, 2)), [0, 0, 1])}, r"'test' has the shape \(2,\), .*\(3,\)"),
        ({"test": split(np.zeros(3), [0, 0, 1])}, "features of split 'test' are float64 of shape"),
        ({"test": split(texts("a"), [0])}, "features of split 'test' are object"),
    ],
)
def test_split_that_does_not_fit_is_named(splits: dict[str, Split], message: str) -> None:
    with pytest.raises(LearnOrderError, match=message) as caught:
        encode(dataset("features", np.eye(3), np.eye(3), splits=splits))
    assert "\n" not in str(caught.value)


def test_inputs_and_examples_of_other_counts_are_refused() -> None:
    uneven = Split(np.eye(3), Examples(np.arange(2), np.zeros(2, np.int64)))
    with pytest.raises(LearnOrderError, match="'test' has 3 inputs for 2 examples"):
        encode(dataset("features", np.eye(3), np.eye(3), splits={"test": uneven}))


@pytest.mark.parametrize(
    "images", [np.zeros((3, 4, 4)), pixels(3, 4, 4, 4), pixels(3, 4), pixels(3, 4, 4, 1)]
)
def test_images_of_another_form_are_refused(images: np.ndarray) -> None:
    with pytest.raises(LearnOrderError, match="images of split 'train' are"):
        encode(dataset("image", images, images))


def test_dataset_without_training_split_names_those_it_has() -> None:
    data = Dataset("d", "features", {"test": split(np.eye(2), [0, 1])}, ("a", "b"))
    with pytest.raises(LearnOrderError, match=r"no split 'train'\. Its splits are: test"):
        encode(data)


def test_unknown_split_names_the_nearest() -> None:
    encoded = encode(dataset("features", np.eye(3), np.eye(3)))
    with pytest.raises(LearnOrderError, match=r"no split 'tests'\. The nearest .* is 'test'"):
        to_tensors(encoded, "tests")


# storage


def three_kinds() -> list[NetworkInputs]:
    unlabelled = {"../odd: name": split(pixels(2, 4, 5))}
    return [
        encode(dataset("image", pixels(9, 4, 5), pixels(3, 4, 5), splits=unlabelled)),
        encode(dataset("features", np.eye(4), np.eye(4))),
        encode_texts("a b", vectors=WordVectors(("b",), np.ones((1, 3), np.float32))),
        encode_texts("a b"),
    ]


@pytest.mark.parametrize("which", range(4), ids=["image", "features", "vectors", "text"])
def test_saved_inputs_come_back_the_same_read_only_and_mapped(which: int, tmp_path: Path) -> None:
    encoded = three_kinds()[which]
    save(encoded, tmp_path / "new" / "folder")
    back = load(tmp_path / "new" / "folder")
    assert back.shape == encoded.shape
    assert back.n_classes == encoded.n_classes
    assert list(back.splits) == list(encoded.splits)
    pairs = [
        *((back.splits[k], encoded.splits[k]) for k in encoded.splits),
        *((back.labels[k], encoded.labels[k]) for k in encoded.splits),
        *((getattr(back, k), getattr(encoded, k)) for k in ("mean", "std", "embedding")),
    ]
    for read, written in pairs:
        if written is None:
            assert read is None
            continue
        assert isinstance(read, np.memmap)
        assert not read.flags.writeable
        assert read.dtype == written.dtype
        assert np.array_equal(read, written)
    for name in encoded.splits:
        shared, made = to_tensors(back, name), to_tensors(encoded, name)
        assert shared.dtype == made.dtype
        assert shared.stride() == made.stride()
        assert shared.numpy().tobytes() == made.numpy().tobytes()
    assert {p.parent for p in tmp_path.rglob("*") if p.is_file()} == {tmp_path / "new" / "folder"}


def by_definition(encoded: NetworkInputs, name: str) -> np.ndarray:
    """Normalise a whole split at once, in float64."""
    stored = encoded.splits[name]
    if encoded.mean is None or encoded.std is None:
        return stored.astype(np.int64)
    trailing = (1,) * (stored.ndim - 2)
    mean, std = (a.astype(np.float64).reshape(-1, *trailing) for a in (encoded.mean, encoded.std))
    scaled = stored / 255.0 if encoded.shape.kind == "image" else stored.astype(np.float64)
    return ((scaled - mean) / std).astype(np.float32)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("colour", [(), (3,)], ids=["grey", "colour"])
def test_shared_tensors_are_the_definition_to_the_last_bit(
    tmp_path: Path, colour: tuple[int, ...]
) -> None:
    images = encode(dataset("image", pixels(31, 4, 5, *colour), pixels(3, 4, 5, *colour)))
    values = np.random.default_rng(0).normal(3, 100, (41, 7)).astype(np.float32)
    features = encode(dataset("features", values, values[:5]))
    for kind, encoded in enumerate([images, features, encode_texts("a b", "b c a")]):
        save(encoded, tmp_path / str(kind))
        back = load(tmp_path / str(kind))
        for name in encoded.splits:
            assert to_tensors(back, name).numpy().tobytes() == (
                by_definition(encoded, name).tobytes()
            )


def test_images_have_their_channels_last_in_memory(tmp_path: Path) -> None:
    encoded = encode(dataset("image", pixels(9, 4, 5, 3), pixels(3, 4, 5, 3)))
    save(encoded, tmp_path)
    for tensor in (to_tensors(encoded, "train"), to_tensors(load(tmp_path), "train")):
        assert tensor.shape == (9, 3, 4, 5)
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        chosen = select(tensor, torch.tensor([3, 0, 3]))
        assert chosen.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(chosen, tensor[[3, 0, 3]])


def test_selected_rows_of_vectors_and_texts_are_copies() -> None:
    rows = torch.arange(12).reshape(4, 3)
    chosen = select(rows, torch.tensor([2, 0]))
    assert chosen.tolist() == [[6, 7, 8], [0, 1, 2]]
    chosen += 1
    assert rows[2].tolist() == [6, 7, 8]


def test_what_a_network_writes_into_a_tensor_no_other_process_sees(tmp_path: Path) -> None:
    save(three_kinds()[1], tmp_path)
    mine, other = (to_tensors(load(tmp_path), "train") for _ in range(2))
    before = other.clone()
    mine += 1
    assert torch.equal(other, before)
    assert torch.equal(to_tensors(load(tmp_path), "train"), before)


def test_full_disk_is_one_line_with_the_folder_and_the_room_needed(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    (tmp_path / "ready-1.npy").symlink_to("/dev/full")
    with pytest.raises(LearnOrderError, match=r"No space left.*about 0\.0 GB.*TMPDIR") as caught:
        save(three_kinds()[0], tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "inputs.json").exists()


def test_a_network_is_built_from_loaded_inputs(tmp_path: Path) -> None:
    encoded = three_kinds()[2]
    save(encoded, tmp_path)
    back = load(tmp_path)
    network = build("bilstm", back.shape, back.n_classes, {}, embedding=back.embedding)
    assert network(to_tensors(back, "train")).shape == (1, 2)


def test_loading_from_nowhere_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=re.escape(str(tmp_path / "inputs.json"))):
        load(tmp_path)


def test_missing_array_is_named(tmp_path: Path) -> None:
    save(three_kinds()[1], tmp_path)
    (tmp_path / "mean.npy").unlink()
    with pytest.raises(DataNotFound, match=re.escape("mean.npy")):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array at all"])
def test_damaged_array_is_named(tmp_path: Path, content: bytes) -> None:
    save(three_kinds()[1], tmp_path)
    (tmp_path / "inputs-1.npy").write_bytes(content)
    with pytest.raises(LearnOrderError, match=re.escape("inputs-1.npy is damaged")):
        load(tmp_path)


def test_shortened_array_is_named(tmp_path: Path) -> None:
    save(three_kinds()[0], tmp_path)
    for name in ("inputs-0.npy", "ready-0.npy"):
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-10])
        with pytest.raises(LearnOrderError, match=re.escape(f"{name} is damaged")):
            load(tmp_path)
        path.write_bytes(whole)
    load(tmp_path)


def test_array_of_objects_is_refused_unread(tmp_path: Path) -> None:
    save(three_kinds()[1], tmp_path)
    np.save(tmp_path / "inputs-0.npy", np.array([object], object), allow_pickle=True)
    with pytest.raises(LearnOrderError, match=re.escape("inputs-0.npy is damaged")):
        load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", json.dumps({"shape": 3})])
def test_damaged_index_is_named(tmp_path: Path, content: str) -> None:
    save(three_kinds()[1], tmp_path)
    (tmp_path / "inputs.json").write_text(content)
    with pytest.raises(LearnOrderError, match=re.escape("inputs.json is damaged")):
        load(tmp_path)


# learning from real texts


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Use one intra-op thread, as workers do: two are slow where the cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def newsgroups(data_dir: Path, n_train: int = 150, n_test: int = 100) -> Dataset:
    """Two groups, atheism and graphics, equally often, with the word vectors at hand."""
    import pyarrow.parquet as parquet

    def read(name: str, per_group: int) -> Split:
        table = parquet.read_table(data_dir / f"20newsgroups/{name}-00000-of-00001.parquet")
        labels = table["label"].to_numpy()
        chosen = np.concatenate([np.flatnonzero(labels == k)[:per_group] for k in (0, 1)])
        return split(texts(*table["text"].take(chosen).to_pylist()), labels[chosen])

    lines = (data_dir / "20newsgroups/glove.6B.50d.20newsgroups.txt").read_text("utf-8").split("\n")
    rows = [line.split(" ") for line in lines if line]
    vectors = np.array([row[1:] for row in rows], np.float32)
    words = WordVectors(tuple(row[0] for row in rows), vectors)
    splits = {"train": read("train", n_train), "test": read("test", n_test)}
    return Dataset("newsgroups", "text", splits, ("atheism", "graphics"), words)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ["bag-of-embeddings", "bilstm"])
def test_text_networks_learn_two_newsgroups_from_word_vectors(name: str, data_dir: Path) -> None:
    encoded = encode(newsgroups(data_dir), max_tokens=40)
    assert encoded.embedding is not None
    assert (encoded.splits["train"][:, 0] > 0).all()
    torch.manual_seed(0)
    network = build(name, encoded.shape, 2, {}, embedding=encoded.embedding)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    x, y = to_tensors(encoded, "train"), torch.from_numpy(encoded.labels["train"])
    for _ in range(5):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        predictions = network(to_tensors(encoded, "test")).argmax(1).numpy()
    assert np.mean(predictions == encoded.labels["test"]) > 0.65
