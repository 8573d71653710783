"""Populations of replicates and examples whose values are known, and collections drawn from them.

A replicate is right on an example after an epoch where

    progress[epoch] + skill + gain * ease + class + own * deviation + chance > 0

with the ease of the example, its class, and a deviation of the replicate on the example, which
lasts. Skill, gain and own are the replicate's. Chance is drawn anew for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

PROGRESS = np.linspace(-1.2, 1.6, 6, dtype=np.float32)
"""How far training is after each epoch."""

VOTED = 3
"""Epoch at which kappa is measured."""

EQUAL_CLASSES = (0.2,) * 5
UNEQUAL_CLASSES = (0.4, 0.2, 0.15, 0.1, 0.05, 0.05, 0.03, 0.02)

SAME_EASE = 0.8
"""Share of examples as hard for one collection as for the other; those of the others are drawn
anew. So within a class the corrected correlation is exactly this."""

CELLS = 1 << 21
"""Replicates x examples drawn at once."""


def constant(value: float, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, value, np.float32)


def normal(
    mean: float, spread: float, rng: np.random.Generator, shape: tuple[int, ...]
) -> np.ndarray:
    return mean + spread * rng.standard_normal(shape, np.float32)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Most examples are easy, and some very hard: an exponential."""
    return 1.4 * (1 - rng.standard_exponential(shape, np.float32))


def in_two_groups(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A third of the examples is hard, the rest easy."""
    middle = np.where(rng.random(shape) < 0.35, np.float32(-1.8), np.float32(0.9))
    return middle + 0.4 * rng.standard_normal(shape, np.float32)


def log_normal(
    median: float, spread: float, rng: np.random.Generator, shape: tuple[int, ...]
) -> np.ndarray:
    return median * np.exp(spread * rng.standard_normal(shape, np.float32))


def gamma(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Deviations whose variance is gamma distributed with shape 1.5."""
    return (0.9 * np.sqrt(rng.gamma(1.5, 1 / 1.5, shape))).astype(np.float32)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t with 3 degrees of freedom: no fourth moment."""
    return (0.3 * rng.standard_t(3, shape)).astype(np.float32)


def two_kinds(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """One replicate in five deviates three times as much as the others."""
    return np.where(rng.random(shape) < 0.2, np.float32(1.6), np.float32(0.56))


NORMAL = partial(normal, 0.0, 1.0)
ONE, ZERO = partial(constant, 1.0), partial(constant, 0.0)
NOTHING = {"gain": ZERO, "class_spread": 0.0, "shared": False}
"""No example is harder than another."""


@dataclass(frozen=True)
class Population:
    """Where collections come from.

    Attributes
    ----------
    name, about
        For the table.
    ease
        Of examples.
    gain, skill, own
        Of replicates; see the top of the file. Without ``own`` no deviation lasts.
    classes
        Their shares of the examples.
    class_spread
        How far the hardest and the easiest class are from the middle one.
    shared
        Whether there is an order at all.
    aside
        Whether it served to check how intervals are built, and not to choose it.
    """

    name: str
    about: str
    ease: Draw = NORMAL
    gain: Draw = ONE
    skill: Draw = ZERO
    own: Draw | None = None
    classes: tuple[float, ...] = EQUAL_CLASSES
    class_spread: float = 0.5
    shared: bool = True
    aside: bool = False

    def label(self, n_examples: int) -> np.ndarray:
        """Class of each example."""
        ends = np.round(np.cumsum(self.classes) * n_examples).astype(int)
        return np.searchsorted(ends, np.arange(n_examples), side="right")


MODERATE = {
    "skill": partial(normal, 0.0, 0.3),
    "gain": partial(normal, 1.0, 0.15),
    "own": partial(log_normal, 0.8, 0.25),
}
STRONG = {
    "skill": partial(normal, 0.0, 0.4),
    "gain": partial(normal, 1.0, 0.25),
    "own": partial(log_normal, 0.8, 0.5),
}

POPULATIONS = (
    Population("chance only", "all replicates are alike; ease is normal"),
    Population("chance only, skewed", "all replicates are alike; ease is skewed", ease=skewed),
    Population(
        "moderate",
        "own skill, gain and deviations, of which the variance differs by a factor of 7 between "
        "the 2.5 % and the 97.5 % replicate (log-normal)",
        **MODERATE,
    ),
    Population(
        "strong", "the same with more of each, and a factor of 50 for the deviations", **STRONG
    ),
    Population("strong, skewed", "the same; ease is skewed", ease=skewed, **STRONG),
    Population("nothing shared", "no example is harder than another", **NOTHING),
    Population(
        "aside: two groups of examples",
        "hard and easy examples, moderate replicates, 8 classes of unequal size",
        ease=in_two_groups,
        classes=UNEQUAL_CLASSES,
        aside=True,
        **MODERATE,
    ),
    Population(
        "aside: gamma",
        "own deviations of gamma distributed variance, little own skill, 8 unequal classes",
        skill=partial(normal, 0.0, 0.2),
        gain=partial(normal, 1.0, 0.1),
        own=gamma,
        classes=UNEQUAL_CLASSES,
        aside=True,
    ),
    Population(
        "aside: nothing shared, own skill",
        "no example is harder than another, replicates differ in accuracy",
        skill=partial(normal, 0.0, 0.5),
        aside=True,
        **NOTHING,
    ),
    Population(
        "aside: heavy tails",
        "skill is t-distributed with 3 degrees of freedom; hard and easy examples",
        ease=in_two_groups,
        skill=heavy_tailed,
        own=partial(constant, 0.6),
        aside=True,
    ),
    Population(
        "aside: two kinds of replicates",
        "one in five deviates three times as much as the others",
        skill=partial(normal, 0.0, 0.2),
        gain=partial(normal, 1.0, 0.1),
        own=two_kinds,
        aside=True,
    ),
)


@dataclass(frozen=True)
class Collections:
    """Pairs of collections over the same examples.

    Attributes
    ----------
    a, b
        ``(collection, replicate, example)``, accessibility: the share of epochs that are right.
    right
        ``(collection, replicate, example)``, whether the replicates of a are right at one epoch.
    """

    a: np.ndarray
    b: np.ndarray
    right: np.ndarray


def drawn(
    population: Population, n_replicates: int, n_examples: int, n_pairs: int, seed: int
) -> Iterator[Collections]:
    """Pairs of collections, a few at a time."""
    rng = np.random.default_rng([seed, n_replicates, n_examples])
    at_once = max(1, CELLS // (n_replicates * n_examples))
    for start in range(0, n_pairs, at_once):
        shape = (min(at_once, n_pairs - start), n_examples)
        ease = population.ease(rng, shape)
        other = np.where(rng.random(shape) < SAME_EASE, ease, population.ease(rng, shape))
        a, right = _replicates(population, rng, ease, n_replicates)
        b, _ = _replicates(population, rng, other, n_replicates)
        yield Collections(a, b, right)


def _replicates(
    population: Population, rng: np.random.Generator, ease: np.ndarray, n_replicates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Accessibility, and whether the votes at one epoch are right."""
    n_collections, n_examples = ease.shape
    shape, each = (n_collections, n_replicates, n_examples), (n_collections, n_replicates, 1)
    label, n_classes = population.label(n_examples), len(population.classes)
    of_class = population.class_spread * np.linspace(-1, 1, n_classes, dtype=np.float32)
    known = population.gain(rng, each) * ease[:, np.newaxis] + of_class[label]
    known += population.skill(rng, each)
    if population.own is not None:
        known += population.own(rng, each) * rng.standard_normal(shape, np.float32)
    count, voted = np.zeros(shape, np.uint8), np.zeros(shape, np.bool_)
    for epoch, progress in enumerate(PROGRESS):
        right = known + progress > rng.standard_normal(shape, np.float32)
        count += right
        if epoch == VOTED:
            voted = right
    return count / len(PROGRESS), voted
