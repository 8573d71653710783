"""Datasets that are drawn: the same from one seed, and symmetric in what must not be told apart."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.datasets.synthetic import gabor

SMALL = {"n_train": 32, "n_test": 16}
GABOR = {"n_train": 32, "n_test": 16, "noise": 1e-9}


def types(split):
    return np.array([int(i.split("/")[0].lstrip("typeclusr")) for i in split.examples.ids])


@pytest.mark.parametrize("name", ["gabor", "gaussians"])
def test_the_seed_fixes_everything_and_a_longer_set_begins_with_the_shorter(name):
    one = load_dataset(name, options=SMALL)
    again = load_dataset(name, options=SMALL)
    assert (one.fingerprint(), one.inputs_digest()) == (again.fingerprint(), again.inputs_digest())
    longer = load_dataset(name, options={**SMALL, "n_train": 320})
    np.testing.assert_array_equal(longer.train.inputs[:32], one.train.inputs)
    np.testing.assert_array_equal(longer.train.examples.ids[:32], one.train.examples.ids)
    other = load_dataset(name, options=SMALL, seed=1)
    assert other.fingerprint() == one.fingerprint()
    assert (other.train.inputs != one.train.inputs).mean() > 0.5
    assert not np.array_equal(one.train.inputs[:16], one.test.inputs)


@pytest.mark.parametrize(("name", "n_types"), [("gabor", 8), ("gaussians", 16)])
def test_types_are_in_the_ids_and_each_has_as_many_examples(name, n_types):
    dataset = load_dataset(name)
    assert (len(dataset.train), len(dataset.test)) == (4000, 2000)
    for split in dataset.splits.values():
        count = Counter(types(split))
        assert sorted(count) == list(range(n_types))
        assert len(set(count.values())) == 1
        of_type = set(zip(types(split), split.examples.labels, strict=True))
        assert len(of_type) == n_types, "a type belongs to one class"
        assert len(set(Counter(label for _, label in of_type).values())) == 1
    assert dataset.train.examples.ids[0].endswith("0/00000")


def test_patches_have_one_energy_whatever_their_type_phase_and_place():
    random = np.random.default_rng(0)
    n = 200
    x, y = random.uniform(12, 19, (2, n))
    angle, phase = random.uniform(0, np.pi, n), random.uniform(0, 2 * np.pi, n)
    wavelength = np.where(np.arange(n) % 2, 4.0, 6.0)
    energy = (gabor(32, x, y, angle, wavelength, phase, envelope=4.0) ** 2).sum(axis=(1, 2))
    assert np.ptp(energy) / energy.mean() < 1e-3


def orientation(image):
    """Of the strongest frequency, in [0, pi), by the second moments of the spectrum."""
    power = np.abs(np.fft.fftshift(np.fft.fft2(image - image.mean()))) ** 2
    at = np.arange(len(image)) - len(image) // 2
    along = (power * at * at[:, None]).sum()
    return 0.5 * np.arctan2(2 * along, (power * (at**2 - at[:, None] ** 2)).sum()) % np.pi


def test_orientations_are_as_said_and_classes_take_turns_along_them():
    dataset = load_dataset("gabor", options=GABOR)
    found = np.array([orientation(image.astype(float)) for image in dataset.train.inputs])
    expected = (types(dataset.train) + 0.5) * np.pi / 8
    away = np.abs((found - expected + np.pi / 2) % np.pi - np.pi / 2)
    assert away.max() < 0.02
    labels = dataset.train.examples.labels
    np.testing.assert_array_equal(labels, types(dataset.train) % 2)
    mirrored = np.array([orientation(i[:, ::-1].astype(float)) for i in dataset.train.inputs])
    mirror_type = np.round(mirrored / (np.pi / 8) - 0.5).astype(int)
    np.testing.assert_array_equal(mirror_type % 2, 1 - labels)


def test_each_class_has_as_many_orientations_of_each_wavelength():
    options = {**GABOR, "n_train": 120, "n_test": 12, "wavelengths": [4, 6.5]}
    dataset = load_dataset("gabor", options={**options, "n_classes": 3})
    kinds = dict(zip(types(dataset.train), dataset.train.examples.labels, strict=True))
    assert [kinds[t] for t in range(12)] == [0, 1, 2, 0, 1, 2, 1, 2, 0, 1, 2, 0]
    mean_power = [
        (np.abs(np.fft.fft2(dataset.train.inputs[types(dataset.train) // 6 == j] - 127.5)) ** 2)
        for j in (0, 1)
    ]
    radius = np.hypot(np.fft.fftfreq(32), np.fft.fftfreq(32)[:, None])
    found = [
        float((power.mean(axis=0) * radius).sum() / power.mean(axis=0).sum())
        for power in mean_power
    ]
    np.testing.assert_allclose(found, [1 / 4, 1 / 6.5], rtol=0.05)


def test_clusters_are_as_far_from_each_other_as_said():
    dataset = load_dataset("gaussians", options={"n_train": 16000, "n_test": 16, "distance": 3})
    centres = np.stack(
        [dataset.train.inputs[types(dataset.train) == k].mean(axis=0) for k in range(16)]
    )
    away = np.linalg.norm(centres[:, None] - centres, axis=2)[np.triu_indices(16, 1)]
    np.testing.assert_allclose(away, 3, atol=0.2)
    residual = dataset.train.inputs - centres[types(dataset.train)]
    np.testing.assert_allclose(residual.std(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(
        dataset.train.inputs.std(axis=0), dataset.train.inputs.std(), atol=0.05
    )


@pytest.mark.parametrize(
    ("name", "options", "fragments"),
    [
        ("gabor", {"clases": 2}, ("'clases'", "'n_classes'")),
        ("gabor", {"n_classes": 2.0}, ("'n_classes'", "2.0", "whole number")),
        ("gabor", {"n_classes": True}, ("True", "whole number")),
        ("gabor", {"n_classes": 1}, ("'n_classes'", "is 1", "at least 2")),
        ("gabor", {"noise": -0.1}, ("'noise'", "-0.1", "above 0")),
        ("gabor", {"wavelengths": []}, ("'wavelengths'", "[]")),
        ("gabor", {"wavelengths": [1.5]}, ("[1.5]", "at least 2")),
        ("gabor", {"wavelengths": 4.0}, ("4.0", "list of numbers")),
        ("gabor", {"wavelengths": [4.0, 5.0, 6.0]}, ("'types_per_class'", "multiple", "3")),
        ("gabor", {"contrast": 0.6}, ("0.6", "at most 0.5")),
        ("gabor", {"image_size": 16}, ("'image_size'", "16", "at least 25")),
        ("gabor", {"n_train": 33}, ("'n_train'", "33", "types, 8")),
        ("gaussians", {"dimensions": 15}, ("'dimensions'", "15", "2 x 8")),
        ("gaussians", {"n_test": 10}, ("'n_test'", "clusters, 16")),
        ("gaussians", {"noise": 1.0}, ("no option 'noise'",)),
        ("digits", {"noise": 1.0}, ("'digits'", "It has no options.")),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, fragments, refused):
    refused(lambda: load_dataset(name, options=options), *fragments)


def test_what_is_drawn_has_no_path_and_no_columns(refused):
    refused(lambda: load_dataset("gabor", "somewhere"), "'gabor'", "'somewhere'", "is drawn")
    refused(lambda: load_dataset("gaussians", image_size=8), "image_size=8", "'gaussians'")
    refused(lambda: load_dataset("noise"), "'noise'", "[extra.NAME]")


@pytest.mark.parametrize(
    ("name", "fingerprint", "first", "last", "atol"),
    [
        ("gabor", "b49ae1691ef2437994130b3bfa2d8480", [124, 111, 186], [124, 158, 148], 1),
        (
            "gaussians",
            "b6107b00b4637588cb7627a3158e3af7",
            [4.2430, -0.1889, 1.4887],
            [0.6149, -0.2287, 1.4681],
            1e-3,
        ),
    ],
)
def test_what_a_seed_draws_is_kept_for_good(name, fingerprint, first, last, atol):
    dataset = load_dataset(name)
    assert dataset.fingerprint() == fingerprint
    np.testing.assert_allclose(dataset.train.inputs[0].ravel()[:3], first, atol=atol)
    np.testing.assert_allclose(dataset.test.inputs[-1].ravel()[-3:], last, atol=atol)
