"""Fast twins of the measures against their readable definitions, on one collection in memory."""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.measures import _arrays, _kernels

N_CLASSES = 10
RNG = np.random.default_rng(0)
PREDICTION = RNG.integers(0, N_CLASSES, (20, 5, 10_000)).astype(np.uint8)
LABEL = RNG.integers(0, N_CLASSES, 10_000)


@pytest.mark.parametrize("layer", [_arrays, _kernels], ids=["definition", "fast"])
@pytest.mark.benchmark(group="tp_agreement 20 x 5 x 10,000")
def test_tp_agreement(benchmark, layer):
    result = benchmark(layer.tp_agreement, PREDICTION, LABEL)
    assert np.array_equal(result, (PREDICTION == LABEL).mean(0))


@pytest.mark.parametrize("layer", [_arrays, _kernels], ids=["definition", "fast"])
@pytest.mark.benchmark(group="agreement 20 x 5 x 10,000")
def test_agreement(benchmark, layer):
    result = benchmark(layer.agreement, PREDICTION, N_CLASSES)
    votes = (PREDICTION[..., None] == np.arange(N_CLASSES)).mean(0)
    assert np.allclose(result, votes.max(-1))
