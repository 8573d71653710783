"""The one number by which labels are suspected: to choose another rule, change it here."""

from __future__ import annotations

from learnorder.ranking.evidence import Evidence
from learnorder.schema import Scores


def suspicion(evidence: Evidence) -> Scores:
    r"""How much more the replicates hold each example to be one other class than its label.

    .. math:: S(x) = \max_{k \ne y} V_k(x) - A(x), \quad
              V_k(x) = \frac{1}{RE} \sum_{r, e > 0} [P_{r,e}(x) = k]

    with A the accessibility. It is the area under the margin, turned round, of votes in place of
    logits. 1: every replicate predicts one same wrong class throughout. 0: label and rival have as
    many predictions. -1: always right. Where the wrong predictions are spread over many classes it
    stays low, however hard the example is: that is what sets it apart from low accessibility.

    Parameters
    ----------
    evidence
        Of a split with labels.

    Returns
    -------
    ``(example,)`` in [-1, 1]. High means that the label is suspected.

    References
    ----------
    pleiss2020aum
    """
    scores: Scores = evidence.counted.rival / (evidence.n_replicates * evidence.n_epochs)
    scores -= evidence.accessibility
    return scores
