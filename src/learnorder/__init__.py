"""Which examples do networks learn first, and do independently trained networks agree?

The walk, in one direction; each line is one stage::

    load_dataset, Dataset                    a name or a path  -> Dataset
    TrainingSpec, train_collection,          Dataset, seeds    -> a log on disk
    train_until
    open_log, from_arrays                    a log             -> xr.Dataset
    tp_agreement, agreement, accuracy,       xr.Dataset        -> xr.DataArray
    accessibility, bimodality,
    bimodality_null, fleiss_kappa
    reliability, reliability_by_stage        xr.Dataset        -> Reliability, ReliabilityByStage
    replicates_needed, sub_designs           xr.Dataset        -> ReplicatesNeeded, Designs
    compare                                  several           -> Comparison
    render_report                            logs              -> one .html

What cannot be done is a `LearnOrderError`, often one of the subclasses here. Names are loaded when
they are first used, so that reading a log never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from learnorder.measures.designs import CostModel, Designs, sub_designs
    from learnorder.measures.order import Reliability, accessibility, reliability
    from learnorder.measures.planning import ReplicatesNeeded, replicates_needed
    from learnorder.measures.stages import ReliabilityByStage, reliability_by_stage
    from learnorder.report.render import render_report
    from learnorder.training.spec import TrainingSpec

__all__ = [
    "Comparison",
    "CostModel",
    "DataNotFound",
    "Dataset",
    "Designs",
    "ExamplesDiffer",
    "ExtraMissing",
    "LearnOrderError",
    "LogBusy",
    "LogDamaged",
    "LogNotFound",
    "Reliability",
    "ReliabilityByStage",
    "ReplicatesNeeded",
    "SpecDiffers",
    "TrainingResult",
    "TrainingSpec",
    "UntilResult",
    "accessibility",
    "accuracy",
    "agreement",
    "bimodality",
    "bimodality_null",
    "compare",
    "fleiss_kappa",
    "from_arrays",
    "load_dataset",
    "open_log",
    "reliability",
    "reliability_by_stage",
    "render_report",
    "replicates_needed",
    "sub_designs",
    "tp_agreement",
    "train_collection",
    "train_until",
]

_HOME = {
    "Comparison": "comparison.compare",
    "CostModel": "measures.designs",
    "DataNotFound": "errors",
    "Dataset": "datasets.dataset",
    "Designs": "measures.designs",
    "ExamplesDiffer": "errors",
    "ExtraMissing": "errors",
    "LearnOrderError": "errors",
    "LogBusy": "errors",
    "LogDamaged": "errors",
    "LogNotFound": "errors",
    "Reliability": "measures.order",
    "ReliabilityByStage": "measures.stages",
    "ReplicatesNeeded": "measures.planning",
    "SpecDiffers": "errors",
    "TrainingResult": "collection.train",
    "TrainingSpec": "training.spec",
    "UntilResult": "collection.until",
    "accessibility": "measures.order",
    "accuracy": "measures.agreement",
    "agreement": "measures.agreement",
    "bimodality": "measures.agreement",
    "bimodality_null": "measures.agreement",
    "compare": "comparison.compare",
    "fleiss_kappa": "measures.agreement",
    "from_arrays": "log.labelled",
    "load_dataset": "datasets.registry",
    "open_log": "log.reader",
    "reliability": "measures.order",
    "reliability_by_stage": "measures.stages",
    "render_report": "report.render",
    "replicates_needed": "measures.planning",
    "sub_designs": "measures.designs",
    "tp_agreement": "measures.agreement",
    "train_collection": "collection.train",
    "train_until": "collection.until",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'learnorder' has no attribute {name!r}")
    value = getattr(import_module(f"learnorder.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
