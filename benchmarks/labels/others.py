"""The other methods, as their authors define them, averaged over networks where there are several.

Each gives ``(example,)`` scores, high where the label is suspected. Where a paper leaves open at
which epochs, both usual readings stand in the list, so that none loses by a choice made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from benchmarks.labels.evidence import Floats, Networks, out_of_fold
from cleanlab.rank import get_label_quality_scores

EL2N_EPOCHS = (1, 2)
"""paul2021diet scores early in training, about a tenth of it, as means over networks."""


def confidence_at_end(networks: Networks) -> Floats:
    """1 - probability of the label after the last epoch."""
    return np.asarray(1 - networks.of_label["probability"][:, -1].mean(axis=0))


def small_loss(networks: Networks) -> Floats:
    """Loss after the last epoch; han2018coteaching."""
    return np.asarray(networks.of_label["loss"][:, -1].mean(axis=0))


def mean_loss(networks: Networks) -> Floats:
    """Loss, mean over epochs."""
    return np.asarray(_of_epochs(networks, "loss").mean(axis=(0, 1)))


def data_map_confidence(networks: Networks) -> Floats:
    """1 - probability of the label, mean over epochs; swayamdipta2020cartography."""
    return np.asarray(1 - _of_epochs(networks, "probability").mean(axis=(0, 1)))


def area_under_the_margin(networks: Networks) -> Floats:
    """Minus the logit of the label less the largest other, mean over epochs; pleiss2020aum."""
    return np.asarray(-_of_epochs(networks, "margin").mean(axis=(0, 1)))


def el2n(networks: Networks) -> Floats:
    """Norm of the probabilities less the label, early; paul2021diet."""
    early = np.isin(networks.epoch, EL2N_EPOCHS)
    return np.asarray(networks.of_label["error_norm"][:, early].mean(axis=(0, 1)))


def forgetting(networks: Networks) -> Floats:
    """Times right and then wrong, all epochs where never right; toneva2019forgetting."""
    right = _of_epochs(networks, "right").astype(bool)
    events = (right[:, :-1] & ~right[:, 1:]).sum(axis=1).astype(float)
    events[~right.any(axis=1)] = right.shape[1]
    return np.asarray(events.mean(axis=0))


def _of_epochs(networks: Networks, name: str) -> np.ndarray:
    return networks.of_label[name][:, networks.whole_epochs]


Method = Callable[[Networks], Floats]

IN_SAMPLE: Mapping[str, Method] = {
    "confidence at the end": confidence_at_end,
    "small loss": small_loss,
    "mean loss": mean_loss,
    "data-map confidence": data_map_confidence,
    "AUM": area_under_the_margin,
    "EL2N": el2n,
    "forgetting": forgetting,
}
"""Of networks trained on all examples."""


def confident_learning(folds: Networks, given: np.ndarray) -> dict[str, Floats]:
    """cleanlab's label quality by out-of-fold probabilities, turned round; northcutt2021confident.

    Its two methods, each with and without its adjustment to the confidence of classes.
    """
    probabilities = np.asarray(out_of_fold(folds), dtype=np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = {}
    for method in ("self_confidence", "normalized_margin"):
        for adjust in (False, True):
            quality = get_label_quality_scores(
                given, probabilities, method=method, adjust_pred_probs=adjust
            )
            name = f"cleanlab, {method.replace('_', ' ')}{', adjusted' if adjust else ''}"
            found[name] = 1 - np.asarray(quality)
    return found
