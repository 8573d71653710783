"""What a page rests on: the sources of exactly the measures that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Reference:
    """One source, and what it is cited for."""

    of: str
    text: str


HACOHEN: Final = Reference(
    "The phenomenon, TP-agreement and accessibility",
    "Guy Hacohen, Leshem Choshen and Daphna Weinshall. Let's Agree to Agree: Neural Networks Share "
    "Classification Order on Real Datasets. International Conference on Machine Learning, 2020. "
    "arXiv:1905.10854.",
)
CRONBACH: Final = Reference(
    "Reliability",
    "Lee J. Cronbach. Coefficient Alpha and the Internal Structure of Tests. Psychometrika "
    "16, 1951.",
)
FLEISS: Final = Reference(
    "Kappa",
    "Joseph L. Fleiss. Measuring Nominal Scale Agreement among Many Raters. Psychological Bulletin "
    "76, 1971.",
)
PEARSON: Final = Reference(
    "Bimodality",
    "Karl Pearson. Contributions to the Mathematical Theory of Evolution. Philosophical "
    "Transactions of the Royal Society of London A 185, 1894.",
)
JACKKNIFE: Final = Reference(
    "Intervals",
    "Bradley Efron and Charles Stein. The Jackknife Estimate of Variance. The Annals of Statistics "
    "9, 1981.",
)
PROPHECY: Final = Reference(
    "Reliability of more or fewer replicates",
    "Charles Spearman, Correlation Calculated from Faulty Data, and William Brown, Some "
    "Experimental Results in the Correlation of Mental Abilities. British Journal of "
    "Psychology 3, 1910.",
)
CEILING: Final = Reference(
    "Correlations corrected for noise",
    "Charles Spearman. The Proof and Measurement of Association between Two Things. The American "
    "Journal of Psychology 15, 1904.",
)
FORGETTING: Final = Reference(
    "Forgetting",
    "Mariya Toneva and others. An Empirical Study of Example Forgetting during Deep Neural Network "
    "Learning. International Conference on Learning Representations, 2019.",
)
CARTOGRAPHY: Final = Reference(
    "The data map",
    "Swabha Swayamdipta and others. Dataset Cartography: Mapping and Diagnosing Datasets with "
    "Training Dynamics. Empirical Methods in Natural Language Processing, 2020.",
)

BY_SECTION: Final[Mapping[str, tuple[Reference, ...]]] = {
    "kappa": (FLEISS, PEARSON),
    "replicates": (CRONBACH, JACKKNIFE, PROPHECY),
    "comparison": (CEILING,),
    "data-map": (CARTOGRAPHY,),
    "examples": (FORGETTING,),
}
"""Sources of a section, by its anchor."""


NEED_LABELS: Final = (PEARSON, FORGETTING)
"""Of measures that no section shows without labels."""


def references_of(anchors: Iterable[str], *, labelled: bool) -> list[Reference]:
    """The paper first, then the sources of the sections there are, in their order."""
    sources = [source for anchor in anchors for source in BY_SECTION.get(anchor, ())]
    return [HACOHEN, *(s for s in sources if labelled or s not in NEED_LABELS)]
