"""What the log has settled of how its replicates are trained, against what a spec wishes."""

from __future__ import annotations

import platform
from pathlib import Path

from learnorder.errors import SpecDiffers
from learnorder.log import layout
from learnorder.log.creation import is_vacant
from learnorder.log.layout import Header
from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}
"""What processors with arithmetic in bfloat16 say of themselves, x86 and ARM."""


def kept_execution(path: Path) -> Execution | None:
    """Return how the replicates of a log are trained; None where there is no log yet."""
    return None if is_vacant(path) else _execution_of(layout.read_header(path))


def _execution_of(header: Header) -> Execution:
    # logs of older formats say nothing but the precision, in their spec
    precision = header.spec.get("training", {}).get("precision", "float32")
    return Execution.from_json({"precision": precision, **header.execution})


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
    """Whether this processor says that it computes in bfloat16; elsewhere it would be emulated."""
    if platform.system() == "Darwin":
        return False
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return any(BFLOAT16_FLAGS & set(line.split()) for line in flags)


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
