"""Datasets that are drawn rather than found: every class is several types nothing tells apart.

Which type a network learns first is then left to chance, so that an order shared by networks has
nothing to rest on but single examples. Symmetry, not trial, fixes the defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.source import Source
from learnorder.errors import LearnOrderError

GABOR_DRAW: Final = 0x6AB08
GAUSSIANS_DRAW: Final = 0x6A055
"""Keep these draws apart from each other and from every other draw made with the same seed."""

ENVELOPES_TO_THE_EDGE: Final = 3
"""Envelope widths from the centre of a patch to the edge: 99 % of its energy is inside."""

BLOCK: Final = 256
"""Images drawn at a time (a few megabytes)."""

SPLITS: Final = ("train", "test")


def gabor_patches(
    seed: int,
    *,
    n_classes: int,
    types_per_class: int,
    image_size: int,
    wavelengths: Sequence[float],
    envelope: float,
    contrast: float,
    noise: float,
    n_train: int,
    n_test: int,
) -> Source:
    r"""Gabor patches in noise, whose orientation and wavelength say their class.

    A patch is :math:`\frac12 + a \cos(2\pi u/\lambda + \varphi) e^{-r^2/2\sigma^2}` with the
    distance r from its centre, and u along its orientation. Phase and centre are uniform, the
    latter at least three envelopes from the edge; noise is added to each pixel, and the values
    are cut off at black and white. The
    orientations of a wavelength are half a step, one and a half steps and so on from the
    horizontal, and classes take turns along them, shifted by one from wavelength to wavelength: a
    class has as many orientations of each wavelength as any other, and an image in the mirror
    belongs to the class with the opposite number, so that on the grid of pixels too no class is
    easier.

    Parameters
    ----------
    seed
        Determines phases, centres and noise. A longer set begins with the shorter one.
    n_classes, types_per_class
        Their product is the number of types; ids are ``type<number>/<number within the type>``.
    image_size
        Height and width in pixels.
    wavelengths
        In pixels, at least 2 each. Of several, patches have the same energy, but networks may
        prefer some; types of one wavelength differ by a rotation only.
    envelope
        Standard deviation of the Gaussian envelope, in pixels.
    contrast
        Amplitude, in (0, 0.5] of the range from black to white.
    noise
        Standard deviation of the noise of a pixel, in the same unit.
    n_train, n_test
        Multiples of the number of types, so that each has as many examples.

    Raises
    ------
    LearnOrderError
        An option is out of range, or the numbers do not divide.

    References
    ----------
    hacohen2020agree, daugman1985uncertainty.
    """
    refuse = _Refusal("gabor")
    refuse.below_two_classes(n_classes)
    refuse.unless(bool(wavelengths), "wavelengths", wavelengths, "a list of at least one")
    refuse.unless(min(wavelengths) >= 2, "wavelengths", wavelengths, "pixels, at least 2 each")
    n_waves = len(wavelengths)
    per_class = f"a multiple of the number of wavelengths, {n_waves}"
    refuse.unless(types_per_class % n_waves == 0, "types_per_class", types_per_class, per_class)
    refuse.unless(contrast <= 0.5, "contrast", contrast, "above 0 and at most 0.5")
    margin = ENVELOPES_TO_THE_EDGE * envelope
    room = image_size - 1 - 2 * margin
    least = math.ceil(2 * margin) + 1
    refuse.unless(
        room >= 0, "image_size", image_size, f"at least {least} for an envelope of {envelope}"
    )
    n_types = n_classes * types_per_class
    step = math.pi * n_waves / n_types
    types = [
        ((i + 0.5) * step, wavelength, (i + j) % n_classes)
        for j, wavelength in enumerate(wavelengths)
        for i in range(n_types // n_waves)
    ]

    def draw(n: int, key: int) -> NDArray[np.uint8]:
        stream, of_noise = _streams(seed, GABOR_DRAW, key)
        angle, wavelength = (
            np.array([t[k] for t in types])[np.arange(n) % n_types] for k in (0, 1)
        )
        phase, x, y = (stream.random((n, 3)) * (2 * math.pi, room, room) + (0, margin, margin)).T
        images = np.empty((n, image_size, image_size), np.uint8)
        for block in _blocks(n):
            patch = gabor(
                image_size, *(v[block] for v in (x, y, angle, wavelength, phase)), envelope=envelope
            )
            grey = 0.5 + contrast * patch + noise * of_noise.standard_normal(patch.shape)
            images[block] = np.rint(np.clip(grey, 0, 1) * 255)
        return images

    return _source(refuse, [t[2] for t in types], "type", {"train": n_train, "test": n_test}, draw)


def gabor(
    image_size: int,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    angle: NDArray[np.float64],
    wavelength: NDArray[np.float64],
    phase: NDArray[np.float64],
    *,
    envelope: float,
) -> NDArray[np.float64]:
    """Gabor functions ``(example, height, width)`` with their centres at column x and row y."""
    at = np.arange(image_size, dtype=np.float64)
    across = at - x[:, None, None]
    down = at[:, None] - y[:, None, None]
    cosine, sine, frequency, shift = (
        v[:, None, None] for v in (np.cos(angle), np.sin(angle), 2 * np.pi / wavelength, phase)
    )
    wave = np.cos(frequency * (across * cosine + down * sine) + shift)
    return np.asarray(wave * np.exp(-(across**2 + down**2) / (2 * envelope**2)))


def gaussian_clusters(
    seed: int,
    *,
    n_classes: int,
    clusters_per_class: int,
    dimensions: int,
    distance: float,
    n_train: int,
    n_test: int,
) -> Source:
    r"""Feature vectors from Gaussian clusters, each as far from every other.

    Centre k is :math:`d/\sqrt2` times the k-th unit vector, and the deviation of every feature
    around it is 1, so that any exchange of clusters is an exchange of features. That they lie along
    the axes is on purpose: networks read features divided by their deviation, which is the same for
    all of these and would not be after a rotation.

    Parameters
    ----------
    seed
        Determines the noise. A longer set begins with the shorter one.
    n_classes, clusters_per_class
        Cluster k belongs to class k modulo ``n_classes``; ids are
        ``cluster<number>/<number within the cluster>``.
    dimensions
        At least as many as clusters; what is more is noise alone.
    distance
        Between any two centres, in deviations of the noise.
    n_train, n_test
        Multiples of the number of clusters, so that each has as many examples.

    Raises
    ------
    LearnOrderError
        An option is out of range, or the numbers do not divide.

    References
    ----------
    hacohen2020agree.
    """
    refuse = _Refusal("gaussians")
    refuse.below_two_classes(n_classes)
    n_clusters = n_classes * clusters_per_class
    refuse.unless(
        dimensions >= n_clusters,
        "dimensions",
        dimensions,
        f"at least the number of clusters, {n_classes} x {clusters_per_class}",
    )
    centres = np.eye(n_clusters, dimensions) * (distance / math.sqrt(2))

    def draw(n: int, key: int) -> NDArray[np.float32]:
        _, of_noise = _streams(seed, GAUSSIANS_DRAW, key)
        features = np.empty((n, dimensions), np.float32)
        for block in _blocks(n):
            cluster = np.arange(block.start, block.stop) % n_clusters
            noise = of_noise.standard_normal((len(cluster), dimensions))
            features[block] = centres[cluster] + noise
        return features

    classes = [k % n_classes for k in range(n_clusters)]
    return _source(refuse, classes, "cluster", {"train": n_train, "test": n_test}, draw)


GENERATORS: Final[Mapping[str, Callable[..., Source]]] = {
    "gabor": gabor_patches,
    "gaussians": gaussian_clusters,
}
"""By the known name; each takes the seed and the options of its entry."""


class _Refusal:
    """Raises for one dataset, naming the option and its value."""

    def __init__(self, name: str) -> None:
        self._name = name

    def unless(self, fits: bool, option: str, value: Any, rule: str) -> None:
        if not fits:
            raise LearnOrderError(
                f"load_dataset: option {option!r} of {self._name!r} is {value!r}. It is {rule}. "
                "Choose another value."
            )

    def below_two_classes(self, n_classes: int) -> None:
        self.unless(n_classes >= 2, "n_classes", n_classes, "at least 2")


def _source(
    refuse: _Refusal,
    classes: Sequence[int],
    word: str,
    sizes: Mapping[str, int],
    draw: Callable[[int, int], NDArray[Any]],
) -> Source:
    """Both splits, their types in turn; ``classes`` has the class of each type."""
    n_types = len(classes)
    splits = {}
    for key, split in enumerate(SPLITS):
        n = sizes[split]
        rule = f"a multiple of the number of {word}s, {n_types}"
        refuse.unless(n % n_types == 0, f"n_{split}", n, rule)
        of_type = np.arange(n) % n_types
        ids = [f"{word}{t}/{i // n_types:05d}" for i, t in enumerate(of_type)]
        splits[split] = RawSplit(draw(n, key), np.array(classes)[of_type], np.array(ids))
    return Source(splits, tuple(f"class-{c}" for c in range(max(classes) + 1)))


def _streams(seed: int, purpose: int, key: int) -> tuple[np.random.Generator, np.random.Generator]:
    """One stream for what is drawn once for an example, and one for its noise."""
    one, other = np.random.SeedSequence([seed, purpose, key]).spawn(2)
    return np.random.default_rng(one), np.random.default_rng(other)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))
