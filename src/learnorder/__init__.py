"""Which examples do networks learn first, and do independently trained networks agree?

The walk, in one direction; each line is one stage::

    load_dataset, Dataset                    a name or a path  -> Dataset
    TrainingSpec, read_variants,             Dataset, seeds    -> a log on disk
    train_collection, train_until,
    RayEngine, SlurmEngine
    Recorder                                 your own training loop -> a log on disk
    open_log, from_arrays                    a log             -> xr.Dataset
    tp_agreement, agreement, accuracy,       xr.Dataset        -> xr.DataArray
    accessibility, bimodality,
    bimodality_null, fleiss_kappa
    reliability                              xr.Dataset        -> Reliability
    replicates_needed, sub_designs           xr.Dataset        -> ReplicatesNeeded, Designs
    compare                                  several           -> Comparison
    rank                                     a log             -> Ranking
    render_report                            logs              -> one .html
    import_log, export_log, to_frame         logs              <-> files and frames of other tools

What cannot be done is a `LearnOrderError`, often one of the subclasses here. Names are loaded when
they are first used, so that reading a log never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learnorder.collection.engines.ray_cluster import RayEngine
    from learnorder.collection.engines.slurm import SlurmEngine
    from learnorder.collection.train import TrainingResult, train_collection
    from learnorder.collection.until import UntilResult, train_until
    from learnorder.comparison.compare import Comparison, compare
    from learnorder.datasets.dataset import Dataset
    from learnorder.datasets.registry import load_dataset
    from learnorder.errors import (
        DataNotFound,
        ExamplesDiffer,
        ExtraMissing,
        LearnOrderError,
        LogBusy,
        LogDamaged,
        LogNotFound,
        SpecDiffers,
    )
    from learnorder.exchange.exporting import ExportReport, export_log
    from learnorder.exchange.importing import ImportReport, import_log
    from learnorder.exchange.tables_out import to_frame
    from learnorder.log.labelled import from_arrays
    from learnorder.log.reader import open_log
    from learnorder.measures.agreement import (
        accuracy,
        agreement,
        bimodality,
        bimodality_null,
        fleiss_kappa,
        tp_agreement,
    )
    from learnorder.measures.baselines import Explained, explained
    from learnorder.measures.checks import self_checks
    from learnorder.measures.designs import CostModel, Designs, sub_designs
    from learnorder.measures.dip import dip, dip_test
    from learnorder.measures.dynamics import (
        aleatoric,
        aum,
        confidence,
        el2n,
        jensen_shannon_label,
        variability,
    )
    from learnorder.measures.ensemble import (
        ambiguity,
        coincident_failure_diversity,
        difficulty,
        generalised_diversity,
        impossible_share,
        jaccard_correct,
        kohavi_wolpert,
        kuncheva_entropy,
        trivial_share,
        vote_entropy,
    )
    from learnorder.measures.jeffreys import accessibility_interval, tp_agreement_interval
    from learnorder.measures.learning import (
        first_learned,
        forgetting_events,
        never_learned,
        stably_learned,
    )
    from learnorder.measures.nulls import PermutationNull, permutation_null, tp_agreement_null
    from learnorder.measures.order import Reliability, accessibility, reliability
    from learnorder.measures.pairs import (
        cohen_kappa,
        corrected_disagreement,
        disagreement,
        discrepancy,
        normalised_disagreement,
        pairs,
    )
    from learnorder.measures.planning import ReplicatesNeeded, replicates_needed
    from learnorder.measures.shared_errors import (
        correctness_correlation,
        double_fault,
        error_consistency,
        error_inconsistency,
        error_ratio,
        q_statistic,
        same_wrong_share,
    )
    from learnorder.measures.stages import ReliabilityByStage, reliability_by_stage
    from learnorder.ranking.rank import rank
    from learnorder.ranking.ranking import Ranking
    from learnorder.recording.recorder import Recorder
    from learnorder.report.render import render_report
    from learnorder.training.spec import TrainingSpec
    from learnorder.training.variants import read_variants

__all__ = [
    "Comparison",
    "CostModel",
    "DataNotFound",
    "Dataset",
    "Designs",
    "ExamplesDiffer",
    "Explained",
    "ExportReport",
    "ExtraMissing",
    "ImportReport",
    "LearnOrderError",
    "LogBusy",
    "LogDamaged",
    "LogNotFound",
    "PermutationNull",
    "Ranking",
    "RayEngine",
    "Recorder",
    "Reliability",
    "ReliabilityByStage",
    "ReplicatesNeeded",
    "SlurmEngine",
    "SpecDiffers",
    "TrainingResult",
    "TrainingSpec",
    "UntilResult",
    "accessibility",
    "accessibility_interval",
    "accuracy",
    "agreement",
    "aleatoric",
    "ambiguity",
    "aum",
    "bimodality",
    "bimodality_null",
    "cohen_kappa",
    "coincident_failure_diversity",
    "compare",
    "confidence",
    "corrected_disagreement",
    "correctness_correlation",
    "difficulty",
    "dip",
    "dip_test",
    "disagreement",
    "discrepancy",
    "double_fault",
    "el2n",
    "error_consistency",
    "error_inconsistency",
    "error_ratio",
    "explained",
    "export_log",
    "first_learned",
    "fleiss_kappa",
    "forgetting_events",
    "from_arrays",
    "generalised_diversity",
    "import_log",
    "impossible_share",
    "jaccard_correct",
    "jensen_shannon_label",
    "kohavi_wolpert",
    "kuncheva_entropy",
    "load_dataset",
    "never_learned",
    "normalised_disagreement",
    "open_log",
    "pairs",
    "permutation_null",
    "q_statistic",
    "rank",
    "read_variants",
    "reliability",
    "reliability_by_stage",
    "render_report",
    "replicates_needed",
    "same_wrong_share",
    "self_checks",
    "stably_learned",
    "sub_designs",
    "to_frame",
    "tp_agreement",
    "tp_agreement_interval",
    "tp_agreement_null",
    "train_collection",
    "train_until",
    "trivial_share",
    "variability",
    "vote_entropy",
]

_HOME = {
    "Comparison": "comparison.compare",
    "CostModel": "measures.designs",
    "DataNotFound": "errors",
    "Dataset": "datasets.dataset",
    "Designs": "measures.designs",
    "ExamplesDiffer": "errors",
    "Explained": "measures.baselines",
    "ExportReport": "exchange.exporting",
    "ExtraMissing": "errors",
    "ImportReport": "exchange.importing",
    "LearnOrderError": "errors",
    "LogBusy": "errors",
    "LogDamaged": "errors",
    "LogNotFound": "errors",
    "PermutationNull": "measures.nulls",
    "Ranking": "ranking.ranking",
    "RayEngine": "collection.engines.ray_cluster",
    "Recorder": "recording.recorder",
    "Reliability": "measures.order",
    "ReliabilityByStage": "measures.stages",
    "ReplicatesNeeded": "measures.planning",
    "SlurmEngine": "collection.engines.slurm",
    "SpecDiffers": "errors",
    "TrainingResult": "collection.train",
    "TrainingSpec": "training.spec",
    "UntilResult": "collection.until",
    "accessibility": "measures.order",
    "accessibility_interval": "measures.jeffreys",
    "accuracy": "measures.agreement",
    "agreement": "measures.agreement",
    "aleatoric": "measures.dynamics",
    "ambiguity": "measures.ensemble",
    "aum": "measures.dynamics",
    "bimodality": "measures.agreement",
    "bimodality_null": "measures.agreement",
    "cohen_kappa": "measures.pairs",
    "coincident_failure_diversity": "measures.ensemble",
    "compare": "comparison.compare",
    "confidence": "measures.dynamics",
    "corrected_disagreement": "measures.pairs",
    "correctness_correlation": "measures.shared_errors",
    "difficulty": "measures.ensemble",
    "dip": "measures.dip",
    "dip_test": "measures.dip",
    "disagreement": "measures.pairs",
    "discrepancy": "measures.pairs",
    "double_fault": "measures.shared_errors",
    "el2n": "measures.dynamics",
    "error_consistency": "measures.shared_errors",
    "error_inconsistency": "measures.shared_errors",
    "error_ratio": "measures.shared_errors",
    "explained": "measures.baselines",
    "export_log": "exchange.exporting",
    "first_learned": "measures.learning",
    "fleiss_kappa": "measures.agreement",
    "forgetting_events": "measures.learning",
    "from_arrays": "log.labelled",
    "generalised_diversity": "measures.ensemble",
    "import_log": "exchange.importing",
    "impossible_share": "measures.ensemble",
    "jaccard_correct": "measures.ensemble",
    "jensen_shannon_label": "measures.dynamics",
    "kohavi_wolpert": "measures.ensemble",
    "kuncheva_entropy": "measures.ensemble",
    "load_dataset": "datasets.registry",
    "never_learned": "measures.learning",
    "normalised_disagreement": "measures.pairs",
    "open_log": "log.reader",
    "pairs": "measures.pairs",
    "permutation_null": "measures.nulls",
    "q_statistic": "measures.shared_errors",
    "rank": "ranking.rank",
    "read_variants": "training.variants",
    "reliability": "measures.order",
    "reliability_by_stage": "measures.stages",
    "render_report": "report.render",
    "replicates_needed": "measures.planning",
    "same_wrong_share": "measures.shared_errors",
    "self_checks": "measures.checks",
    "stably_learned": "measures.learning",
    "sub_designs": "measures.designs",
    "to_frame": "exchange.tables_out",
    "tp_agreement": "measures.agreement",
    "tp_agreement_interval": "measures.jeffreys",
    "tp_agreement_null": "measures.nulls",
    "train_collection": "collection.train",
    "train_until": "collection.until",
    "trivial_share": "measures.ensemble",
    "variability": "measures.dynamics",
    "vote_entropy": "measures.ensemble",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'learnorder' has no attribute {name!r}")
    value = getattr(import_module(f"learnorder.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
