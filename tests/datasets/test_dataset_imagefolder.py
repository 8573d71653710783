from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
RED = np.zeros((3, 4, 3), dtype=np.uint8)
RED[..., 0] = 200


@pytest.fixture
def pets(tmp_path, png):
    root = tmp_path / "pets"
    for place in ("train/cat/2.png", "train/cat/10.png", "train/dog/a.png", "test/dog/a.png"):
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(GREY))
    return root


def test_class_names_are_sorted_and_ids_are_paths(pets, png):
    (pets / "train/dog/a.png").write_bytes(png(GREY + 1))
    dataset = load_dataset("imagefolder", pets)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.examples.ids.tolist() == [
        "train/cat/10.png",
        "train/cat/2.png",
        "train/dog/a.png",
    ]
    assert dataset.train.examples.labels.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(dataset.train.inputs, [GREY, GREY, GREY + 1])


def test_one_colour_picture_makes_all_colour(pets, png):
    (pets / "test/dog/a.png").write_bytes(png(RED))
    dataset = load_dataset("imagefolder", pets)
    np.testing.assert_array_equal(dataset.test.inputs, [RED])
    np.testing.assert_array_equal(dataset.train.inputs[0], np.stack([GREY] * 3, axis=2))


def transparent_pictures():
    """Pictures that show what is behind them, each in the way its format has."""
    alpha = np.full((3, 4), 255, np.uint8)
    alpha[1, 2] = 254
    palette = Image.fromarray(GREY).convert("P")
    return {
        "RGBA.png": (Image.fromarray(np.dstack([RED * 0, GREY])), {}, 12),
        "nearly.png": (Image.fromarray(np.dstack([RED, alpha])), {}, 1),
        "LA.png": (Image.fromarray(np.dstack([GREY, alpha]), "LA"), {}, 1),
        "RGBA.webp": (Image.fromarray(np.dstack([RED, alpha])), {"lossless": True}, 1),
        "RGBA.tif": (Image.fromarray(np.dstack([RED, alpha])), {}, 1),
        "P.png": (palette, {"transparency": 3}, 1),
        "P.gif": (palette, {"transparency": 3}, 1),
        "half.png": (palette, {"transparency": bytes([255, 128])}, 1),
        "L.png": (Image.fromarray(GREY), {"transparency": 3}, 1),
        "RGB.png": (Image.fromarray(RED), {"transparency": (200, 0, 0)}, 12),
        "deep.png": (Image.fromarray(GREY.astype(np.uint16) * 999), {"transparency": 2997}, 1),
    }


@pytest.mark.parametrize("name", transparent_pictures())
def test_a_transparent_picture_is_refused(pets, refused, name):
    picture, options, pixels = transparent_pictures()[name]
    picture.save(pets / "train/dog" / name, **options)
    call = lambda: load_dataset("imagefolder", pets)  # noqa: E731
    refused(call, f"train/dog/{name}", f"at {pixels} of its 12 pixels", "background", "Pillow")


def test_what_is_said_of_a_transparent_picture_makes_it_one_that_is_read(pets):
    for name, (picture, options, _) in transparent_pictures().items():
        picture.save(pets / name, **options)
        with Image.open(pets / name) as opened:
            if name == "deep.png":
                continue  # Pillow has no conversion of these that knows the transparent value
            white = Image.new("RGBA", opened.size, "white")
            mended = Image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")
        mended.save(pets / "train/dog" / f"{name}.png")
    assert len(load_dataset("imagefolder", pets).train) == 3 + len(transparent_pictures()) - 1


def test_a_transparent_colour_that_no_pixel_has_is_no_transparency(pets):
    Image.fromarray(GREY).convert("P").save(pets / "train/dog/b.png", transparency=200)
    Image.fromarray(GREY).save(pets / "train/dog/c.png", transparency=200)
    last = load_dataset("imagefolder", pets).train.inputs[-1]
    np.testing.assert_array_equal(last, np.stack([GREY] * 3, axis=2))


@pytest.mark.parametrize(
    ("mode", "colour"), [("1", False), ("LA", False), ("P", True), ("RGBA", True), ("CMYK", True)]
)
def test_other_modes_are_converted(pets, mode, colour):
    name = "b.tif" if mode == "CMYK" else "b.png"
    palette = Image.Palette.ADAPTIVE
    picture = Image.fromarray(GREY if mode == "LA" else RED).convert(mode, palette=palette)
    picture.save(pets / "train/dog" / name)
    dataset = load_dataset("imagefolder", pets)
    assert (dataset.train.inputs.ndim == 4) == colour
    if colour:
        np.testing.assert_array_equal(dataset.train.inputs[-1], RED)


def test_sixteen_bits_are_scaled_to_eight(pets):
    deep = np.linspace(0, 65535, 12).astype(np.uint16).reshape(3, 4)
    Image.fromarray(deep).save(pets / "train/dog/b.png")
    last = load_dataset("imagefolder", pets).train.inputs[-1]
    np.testing.assert_array_equal(last, np.rint(deep / 257).astype(np.uint8))


def test_a_photograph_is_turned_as_its_camera_says(pets):
    picture = Image.fromarray(GREY.T.copy())
    exif = Image.Exif()
    exif[274] = 6
    picture.save(pets / "train/dog/b.png", exif=exif)
    last = load_dataset("imagefolder", pets).train.inputs[-1]
    np.testing.assert_array_equal(last, np.rot90(GREY.T, -1))


def test_several_sizes_need_image_size(pets, png, refused):
    (pets / "train/dog/a.png").write_bytes(png(np.full((5, 9), 77, np.uint8)))
    message = refused(lambda: load_dataset("imagefolder", pets), "5x9", "3x4", "image_size")
    assert "train/dog/a.png" in message
    dataset = load_dataset("imagefolder", pets, image_size=6)
    assert dataset.train.inputs.shape == (3, 6, 6)
    assert (dataset.train.inputs[2] == 77).all()


def test_nested_folders_belong_to_their_class_and_other_files_to_none(pets, png):
    (pets / "train/dog/images").mkdir()
    (pets / "train/dog/images/z.JPEG").write_bytes(png(GREY, "JPEG"))
    for name in ("notes.txt", "README", "LICENSE.md", "Thumbs.db", "desktop.ini", ".DS_Store"):
        (pets / "train/dog" / name).write_text("not a picture")
    (pets / "train/.cache").mkdir()
    (pets / "train/.cache/x.png").write_bytes(b"not looked at")
    ids = load_dataset("imagefolder", pets).train.examples.ids.tolist()
    assert ids[-1] == "train/dog/images/z.JPEG"
    assert len(ids) == 4


@pytest.mark.parametrize("name", ["z.jfif", "z.jpe", "z.JPG", "z.pnm", "z.pbm"])
def test_other_endings_of_the_formats_are_read(pets, png, name):
    format = "PPM" if name[2:] in ("pnm", "pbm") else "JPEG"
    (pets / "train/dog" / name).write_bytes(png(GREY, format))
    assert load_dataset("imagefolder", pets).train.examples.ids[-1] == f"train/dog/{name}"


@pytest.mark.parametrize("name", ["b.heic", "b.HEIC", "b.avif", "b.svg", "b", "b.png~", "b.tar"])
def test_a_file_that_may_be_a_picture_and_is_not_read_is_refused(pets, png, refused, name):
    (pets / "train/dog" / name).write_bytes(png(GREY))
    call = lambda: load_dataset("imagefolder", pets)  # noqa: E731
    assert "more" not in refused(call, f"train/dog/{name} ", ".jfif", "Convert", "move it away")
    (pets / "train/cat" / name).write_bytes(png(GREY))
    refused(call, f"train/cat/{name} ", "nor are 1 more")
    (pets / "train/.dog").mkdir()
    for place in ("train/cat", "train/dog"):
        (pets / place / name).rename(pets / "train/.dog" / name)
    assert len(load_dataset("imagefolder", pets).train) == 3


def test_a_further_split_without_class_folders_has_no_labels(pets, png):
    (pets / "far").mkdir()
    (pets / "far/1.png").write_bytes(png(GREY))
    assert load_dataset("imagefolder", pets).splits["far"].examples.labels is None


@pytest.mark.parametrize("keep", [0, 8, 40, -20])
def test_a_damaged_picture_is_named(pets, keep, refused):
    path = pets / "train/cat/2.png"
    path.write_bytes(path.read_bytes()[:keep])
    refused(lambda: load_dataset("imagefolder", pets), str(path), "cannot be decoded")


def test_garbage_called_png_is_named(pets, refused):
    (pets / "test/dog/a.png").write_bytes(b"<svg/>" * 50)
    refused(lambda: load_dataset("imagefolder", pets), "test/dog/a.png", "cannot be decoded")


@pytest.mark.parametrize("side", [8_000, 60_000])
def test_a_decompression_bomb_is_refused(pets, side, refused):
    def chunk(kind: bytes, data: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + tail

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    (pets / "train/cat/2.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + body)
    refused(lambda: load_dataset("imagefolder", pets), "train/cat/2.png", "too large", str(side))


def test_a_link_out_of_the_folder_is_refused(pets, tmp_path, png, refused):
    (tmp_path / "secret.png").write_bytes(png(GREY))
    (pets / "train/dog/b.png").symlink_to(tmp_path / "secret.png")
    refused(lambda: load_dataset("imagefolder", pets), "train/dog/b.png", "secret.png")


@pytest.mark.parametrize("place", ["valid", "train/eel"])
def test_a_link_to_a_folder_is_refused(pets, tmp_path, png, place, refused):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.png").write_bytes(png(GREY))
    (pets / place).symlink_to(outside)
    refused(lambda: load_dataset("imagefolder", pets), str(pets / place), "link")


def test_a_link_to_a_picture_inside_is_followed(pets):
    (pets / "train/dog/b.png").symlink_to(pets / "train/cat/2.png")
    assert len(load_dataset("imagefolder", pets).train) == 4


def test_a_dangling_link_is_refused(pets, refused):
    (pets / "train/dog/b.png").symlink_to(pets / "nothing.png")
    refused(lambda: load_dataset("imagefolder", pets), "train/dog/b.png")


def test_a_class_without_training_pictures_is_refused(pets, png, refused):
    (pets / "test/eel").mkdir()
    (pets / "test/eel/a.png").write_bytes(png(GREY))
    refused(lambda: load_dataset("imagefolder", pets), "'eel'", "test/eel/a.png", "cat, dog")


def test_a_picture_outside_a_class_folder_is_refused(pets, png, refused):
    (pets / "train/stray.png").write_bytes(png(GREY))
    refused(lambda: load_dataset("imagefolder", pets), "train/stray.png", "class folder")


def test_missing_and_empty_folders_are_named(pets, refused):
    (pets / "test/dog/a.png").unlink()
    call = lambda: load_dataset("imagefolder", pets)  # noqa: E731
    refused(call, "test has no pictures", error=DataNotFound)
    (pets / "test/dog").rmdir()
    (pets / "test").rmdir()
    refused(call, "no folder 'test'", error=DataNotFound)


def test_a_class_folder_without_pictures_is_an_empty_class(pets, refused):
    (pets / "train/fox").mkdir()
    refused(lambda: load_dataset("imagefolder", pets), "train/fox has no pictures")
    (pets / "train/fox").rename(pets / "train/.fox")
    assert load_dataset("imagefolder", pets).class_names == ("cat", "dog")
