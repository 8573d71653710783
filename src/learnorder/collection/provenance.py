"""What makes the predictions of a spec: versions, platform, time, and revisions of the code."""

from __future__ import annotations

from typing import Any

from learnorder.log import provenance as of_log
from learnorder.training.spec import TrainingSpec


def provenance(spec: TrainingSpec) -> dict[str, Any]:
    """Versions, platform, time, and git revisions: of this package, and of the current folder."""
    return of_log.provenance(versions(spec))


def made_by(spec: TrainingSpec) -> dict[str, str]:
    """Versions of what the predictions depend on, with the revision of this package."""
    return of_log.with_revision(versions(spec))


def versions(spec: TrainingSpec) -> dict[str, str]:
    """Versions of what the predictions depend on."""
    libraries = ("scikit-learn", "scipy") if spec.architecture.is_learner else ("torch",)
    return of_log.versions_of(*libraries, "numpy")
