"""Published layouts of large collections, tried on a few small pictures in each."""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.extra import with_test_set
from learnorder.datasets.known import CATS, DOGS
from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound

WNIDS = ("n01", "n02", "n03")


@pytest.fixture
def put(png):
    """Write a colour picture of one value."""

    def write(path, value=0, size=6):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.full((size, size, 3), value, np.uint8)))

    return write


@pytest.fixture
def tiny(tmp_path, put):
    root = tmp_path / "tiny-imagenet-200"
    lines = []
    for c, wnid in enumerate(WNIDS):
        for i in range(2):
            put(root / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", 10 * c)
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("n01_0.JPEG\t0\t0\t5\t5\n")
    for i, c in enumerate((2, 0, 1, 0)):
        put(root / "val" / "images" / f"val_{i}.JPEG", 10 * c)
        lines.append(f"val_{i}.JPEG\t{WNIDS[c]}\t0\t0\t5\t5\n")
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    put(root / "test" / "images" / "test_0.JPEG")
    (root / "words.txt").write_text("n01\tcat\n")
    return root


def test_tiny_imagenet_has_the_annotated_validation_split_as_test(tiny, monkeypatch):
    monkeypatch.setenv("LEARNORDER_DATA", str(tiny.parent))
    dataset = load_dataset("tiny-imagenet")
    assert dataset.class_names == WNIDS
    assert list(dataset.splits) == ["train", "test"]
    assert dataset.train.examples.ids[0] == "train/n01/images/n01_0.JPEG"
    assert dataset.test.examples.ids[1] == "val/images/val_1.JPEG"
    np.testing.assert_array_equal(dataset.train.examples.labels, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(dataset.test.examples.labels, [2, 0, 1, 0])
    for split in dataset.splits.values():
        values = split.inputs[:, 0, 0, 0]
        np.testing.assert_array_equal(values, 10 * split.examples.labels)


def test_only_the_classes_asked_for_are_read(tiny, refused):
    (tiny / "train" / "n03" / "images" / "n03_0.JPEG").write_bytes(b"no picture")
    (tiny / "val" / "images" / "val_0.JPEG").write_bytes(b"no picture")
    dataset = load_dataset("tiny-imagenet", tiny, classes=["n02", "n01"])
    assert dataset.class_names == ("n02", "n01")
    np.testing.assert_array_equal(dataset.test.examples.labels, [1, 0, 1])
    refused(lambda: load_dataset("tiny-imagenet", tiny), "n03_0.JPEG", "cannot be decoded")


def test_validation_pictures_without_their_class_are_refused(tiny, put, refused):
    put(tiny / "val" / "images" / "val_9.JPEG")
    refused(lambda: load_dataset("tiny-imagenet", tiny), "val_9.JPEG", "val_annotations.txt")
    (tiny / "val" / "val_annotations.txt").write_text("val_0.JPEG n01\n")
    refused(lambda: load_dataset("tiny-imagenet", tiny), "line 1", "'val_0.JPEG n01'")
    (tiny / "val" / "val_annotations.txt").unlink()
    refused(lambda: load_dataset("tiny-imagenet", tiny), "val_annotations.txt", error=DataNotFound)


@pytest.fixture
def imagenet(tmp_path, put):
    root = tmp_path / "imagenet"
    for c, wnid in enumerate((*CATS, *DOGS, "n09999999")):
        put(root / "train" / wnid / f"{wnid}_1.JPEG", c, size=7)
        put(root / "train" / wnid / f"{wnid}_2.JPEG", c, size=9)
        put(root / "val" / wnid / f"ILSVRC2012_val_{c:08d}.JPEG", c)
    (root / "train" / "n09999999" / "n09999999_1.JPEG").write_bytes(b"no picture")
    return root


@pytest.mark.parametrize(("name", "wnids"), [("imagenet-cats", CATS), ("imagenet-dogs", DOGS)])
def test_parts_of_imagenet_are_read_without_the_rest(name, wnids, imagenet, monkeypatch, refused):
    monkeypatch.setenv("LEARNORDER_DATA", str(imagenet.parent))
    dataset = load_dataset(name, image_size=8)
    assert dataset.class_names == wnids
    assert (len(dataset.train), len(dataset.test)) == (2 * len(wnids), len(wnids))
    assert dataset.train.inputs.shape[1:] == (8, 8, 3)
    assert dataset.test.examples.ids[0].startswith(f"val/{wnids[0]}/ILSVRC2012_val_")
    assert load_dataset(name, image_size=8, classes=wnids[3:1:-1]).class_names == wnids[3:1:-1]
    refused(lambda: load_dataset(name), "image_size")
    refused(lambda: load_dataset(name, image_size=8, classes=["n09999999", wnids[0]]), "n09999999")
    with pytest.raises(ValueError, match="cannot be decoded"):
        load_dataset("imagenet", image_size=8)


def test_one_class_of_imagenet_is_a_further_test_set(imagenet):
    cats = load_dataset("imagenet-cats", imagenet, image_size=8)
    options = {"name": "imagenet", "path": imagenet, "classes": [DOGS[2]], "image_size": 8}
    found = with_test_set(cats, "dog", **options).splits["dog"]
    assert len(found) == 1
    assert (found.inputs == len(CATS) + 2).all()


def test_a_class_folder_that_is_missing_is_named(imagenet, refused):
    refused(
        lambda: load_dataset("imagenet", imagenet, classes=["n02123046", CATS[1]]),
        "no class folder 'n02123046'",
        CATS[0],
        error=DataNotFound,
    )
    (imagenet / "val" / CATS[2] / "ILSVRC2012_val_00000002.JPEG").unlink()
    refused(
        lambda: load_dataset("imagenet-cats", imagenet, image_size=8),
        CATS[2],
        "no pictures",
        error=DataNotFound,
    )


@pytest.fixture
def faces(tmp_path, put):
    root = tmp_path / "vggface2"
    for c, identity in enumerate(("n000002", "n000003", "n000004")):
        for i in range(11 + c):
            put(root / "train" / identity / f"{i:04d}_01.jpg", 20 * c)
    put(root / "test" / "n000001" / "0001_01.jpg")
    return root


def test_a_fifth_of_each_face_is_held_out_whoever_is_read(faces, refused):
    dataset = load_dataset("vggface2", faces)
    assert dataset.class_names == ("n000002", "n000003", "n000004")
    assert np.bincount(dataset.test.examples.labels).tolist() == [2, 2, 2]
    assert np.bincount(dataset.train.examples.labels).tolist() == [9, 10, 11]
    ids = {name: set(split.examples.ids) for name, split in dataset.splits.items()}
    assert not ids["train"] & ids["test"]
    two = load_dataset("vggface2", faces, classes=["n000004", "n000002"])
    assert set(two.test.examples.ids) == {i for i in ids["test"] if "n000003" not in i}
    for path in sorted((faces / "train" / "n000003").iterdir())[4:]:
        path.unlink()
    refused(lambda: load_dataset("vggface2", faces), "n000003", "4 pictures", "One in 5")


@pytest.mark.parametrize(
    ("name", "folder", "needed"),
    [
        ("tiny-imagenet", "tiny-imagenet-200", "val_annotations.txt"),
        ("imagenet", "imagenet", "val/<wnid>/"),
        ("imagenet-cats", "imagenet", "image-net.org"),
        ("imagenet-dogs", "imagenet", "train/<wnid>/"),
        ("vggface2", "vggface2", "train/<identity>/"),
    ],
)
def test_what_is_not_at_hand_says_what_to_fetch_and_where_to_put_it(
    name, folder, needed, tmp_path, monkeypatch, refused
):
    monkeypatch.setenv("LEARNORDER_DATA", str(tmp_path))
    call = lambda: load_dataset(name)  # noqa: E731
    refused(call, f"the folder {folder!r}", needed, "path=", error=DataNotFound)
    (tmp_path / folder).mkdir()
    refused(call, str(tmp_path / folder), error=DataNotFound)
