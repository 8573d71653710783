"""What a user would write with numpy, scipy, statsmodels and torch: peers of the measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Way = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes predictions ``(replicate, epoch, example)`` and labels."""


def resampled(a: np.ndarray, b: np.ndarray, n_resamples: int, seed: int = 0) -> np.ndarray:
    """Intervals of a comparison by a loop over resamples, ``(bound, quantity)``.

    Replicates of both collections and examples are drawn again with replacement, and all is
    computed anew: both reliabilities, the correlation of mean accessibility, and the corrected one.
    It is what is mostly written; that its intervals are wrong stands in docs/findings.md.
    """
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(n_resamples):
        examples = rng.integers(0, a.shape[1], a.shape[1])
        drawn = [x[rng.integers(0, len(x), len(x))][:, examples] for x in (a, b)]
        alphas = [cronbach_alpha(x) for x in drawn]
        pearson = np.corrcoef(*(x.mean(axis=0) for x in drawn))[0, 1]
        values.append([*alphas, pearson, pearson / np.sqrt(alphas[0] * alphas[1])])
    return np.percentile(values, [2.5, 97.5], axis=0)


def cronbach_alpha(scores: np.ndarray) -> float:
    """Reliability of the mean of ``(replicate, example)`` scores."""
    covariance = np.cov(scores)
    n = len(covariance)
    return float(n / (n - 1) * (1 - np.trace(covariance) / covariance.sum()))


def _tp_agreement(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    return (prediction == label).mean(axis=0)


def _accuracy(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    return (prediction == label).mean(axis=2)


def _accessibility(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    return (prediction == label).mean(axis=(0, 1))


def _mode_of_scipy(prediction: np.ndarray, _: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.mode(prediction, axis=0).count / len(prediction)


def _mode_of_torch(prediction: np.ndarray, _: np.ndarray) -> np.ndarray:
    import torch

    votes = torch.from_numpy(prediction)
    return (votes == torch.mode(votes, dim=0).values).float().mean(dim=0).numpy()


def _kappa_of_numpy(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    share, n = (prediction == label).mean(axis=0), len(prediction)
    mean = share.mean(axis=1)
    return 1 - n / (n - 1) * (share * (1 - share)).mean(axis=1) / (mean * (1 - mean))


def _kappa_of_statsmodels(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    right = prediction == label
    tables = (aggregate_raters(at_epoch.T)[0] for at_epoch in right.swapaxes(0, 1))
    return np.array([fleiss_kappa(table) for table in tables])


ONE_LINERS: Mapping[str, Mapping[str, Way]] = {
    "tp_agreement": {"(P == y).mean(0)": _tp_agreement},
    "accuracy": {"(P == y).mean(2)": _accuracy},
    "accessibility": {"(P == y).mean((0, 1))": _accessibility},
    "agreement": {"scipy.stats.mode": _mode_of_scipy, "torch.mode": _mode_of_torch},
    "fleiss_kappa": {"numpy": _kappa_of_numpy, "statsmodels": _kappa_of_statsmodels},
}
"""By the name of the measure here: ways to write it."""
