"""What the log has settled of how its replicates are trained, against what a spec wishes."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import get_args

from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log import layout
from learnorder.log.creation import is_vacant
from learnorder.log.layout import Header
from learnorder.training.device import bfloat16_pays
from learnorder.training.execution import Execution, Precision
from learnorder.training.spec import ExecutionSpec, TrainingSpec

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}
"""What processors with arithmetic in bfloat16 say of themselves, x86 and ARM."""

EXECUTORS = set(get_args(ExecutionSpec.model_fields["executor"].annotation)) - {"auto", "probe"}
PRECISIONS = get_args(Precision)


def kept_execution(path: Path) -> Execution | None:
    """Return how the replicates of a log are trained; None where there is no log yet.

    Raises
    ------
    LearnOrderError
        What it says of that is nothing this version does.
    """
    if is_vacant(path):
        return None
    header = layout.read_header(path)
    try:
        return _execution_of(header)
    except (AttributeError, TypeError, ValueError) as error:
        raise LearnOrderError(
            f"train: {path} says that its replicates are trained with {header.execution!r}, which "
            "this version cannot do. It can be read all the same. Use another --out, or the "
            f"version that wrote it ({header.provenance.get('learnorder', 'unknown')})."
        ) from error


def _execution_of(header: Header) -> Execution:
    # logs of older formats say nothing but the precision, in their spec
    precision = header.spec.get("training", {}).get("precision", "float32")
    kept = Execution.from_json({"precision": precision, **header.execution})
    if kept.executor not in EXECUTORS or kept.precision not in PRECISIONS or kept.width < 1:
        raise ValueError("unknown")
    return kept


def with_settled_precision(spec: TrainingSpec, kept: Execution | None) -> TrainingSpec:
    """Return the spec with ``precision = "auto"`` settled: as in the log, or as suits here."""
    if spec.training.precision != "auto":
        return spec
    if kept is not None:
        precision = kept.precision
    else:
        fast = spec.execution.device == "cpu" and has_fast_bfloat16()
        precision = "bfloat16" if fast else "float32"
    settled = spec.training.model_copy(update={"precision": precision})
    return spec.model_copy(update={"training": settled})


def has_fast_bfloat16() -> bool:
    """Whether this processor says that it computes in bfloat16, and is faster at it when tried.

    Elsewhere it would be emulated. Some that have the instructions need twice the time for them.
    """
    return _says_bfloat16() and bfloat16_pays()


def _says_bfloat16() -> bool:
    if platform.system() == "Darwin":
        return False
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return any(BFLOAT16_FLAGS & set(line.split()) for line in flags)


def refuse_other_precision(path: Path, spec: TrainingSpec, settled: Precision) -> None:
    """Refuse a log that was begun meanwhile, where ``"auto"`` has been settled otherwise.

    Raises
    ------
    SpecDiffers
        Its replicates are computed in another precision than ``settled``.
    """
    kept = kept_execution(path)
    if kept is not None and spec.training.precision == "auto" and kept.precision != settled:
        raise SpecDiffers(
            f"train: {path} was begun meanwhile by another process in {kept.precision}, and "
            f"training.precision = 'auto' is {settled} here. All replicates of a log are trained "
            f"in one way. Run the same command again to go on in {kept.precision}."
        )


def refuse_other_execution(path: Path, spec: TrainingSpec, kept: Execution) -> None:
    """Refuse to go on with a log in another way than its replicates have been trained.

    Raises
    ------
    SpecDiffers
        The spec insists on another executor, width or device.
    """
    wish = spec.execution
    pairs = {
        "executor": (kept.executor, wish.executor, ("auto", "probe")),
        "width": (kept.width, wish.width, (0,)),
        "device": (kept.device.partition(":")[0], wish.device.partition(":")[0], ()),
    }
    changed = [
        f"execution.{key} is {theirs!r} in the log and {ours!r} now"
        for key, (theirs, ours, any_will_do) in pairs.items()
        if ours != theirs and ours not in any_will_do
    ]
    if changed:
        raise SpecDiffers(
            f"train: {path} was begun otherwise: {'; '.join(changed)}. All replicates of a log "
            "are trained in one way. Leave the key out to go on as before, or use another --out."
        )
