"""From a spec to what training needs: treated dataset, network inputs, what the log will say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from learnorder.collection.provenance import provenance, versions
from learnorder.datasets.baselines import find_baselines
from learnorder.datasets.dataset import Dataset
from learnorder.datasets.extra import with_test_set
from learnorder.datasets.label_treatment import treat_labels
from learnorder.datasets.previews import previews
from learnorder.datasets.sampling import limit_examples, select_classes
from learnorder.datasets.transforms import transform_inputs
from learnorder.log.creation import NewLog
from learnorder.schema import PREDICTION
from learnorder.training.architectures.table import check_architecture
from learnorder.training.execution import Execution
from learnorder.training.grid import GridPoint, check_batch_size, recording_grid
from learnorder.training.inputs import NetworkInputs, encode
from learnorder.training.learners.choices import check_data
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class Prepared:
    """A spec with its data, and the digest of both.

    ``dataset`` has the inputs that networks read; ``shown`` those a person recognises, which a
    transform has not changed.
    """

    spec: TrainingSpec
    dataset: Dataset
    shown: Dataset
    identity: str

    def encoded(self) -> NetworkInputs:
        """Return the data as the network reads them; texts take a while to encode."""
        return encode(self.dataset, max_tokens=self.spec.dataset.max_tokens)

    @property
    def grid(self) -> list[GridPoint]:
        """The recording grid."""
        return recording_grid(self.spec, len(self.dataset.train))

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is recorded of every example at each point of the grid."""
        return PREDICTION, *self.spec.recording.of_label

    def new_log(self, execution: Execution) -> NewLog:
        """Everything a new log says of itself; finding the baselines takes some seconds at most."""
        data = self.dataset
        baselines = find_baselines(data, max_tokens=self.spec.dataset.max_tokens)
        about = {
            "name": data.name,
            "kind": data.kind,
            "fingerprint": data.fingerprint(),
            "class_names": list(data.class_names),
            "baselines": dict(baselines.about),
        }
        splits = {
            name: (split.examples, previews(split, self.shown.kind))
            for name, split in self.shown.splits.items()
        }
        return NewLog(
            self.spec.resolved(),
            self.identity,
            about,
            provenance(self.spec),
            splits,
            execution=execution.to_json(),
            quantities=self.quantities,
            baselines=baselines.splits,
        )


def prepare(spec: TrainingSpec, dataset: Dataset | None) -> Prepared:
    """Load the data, restrict it and treat its labels as the spec says.

    What can be seen to fail without torch fails here; the rest, in the probe of a worker.
    """
    about, architecture = spec.dataset, spec.architecture
    check_architecture(architecture.name, architecture.options)
    if dataset is None:
        dataset = about.load()
    else:
        dataset = select_classes(dataset, about.classes) if about.classes else dataset
        dataset = limit_examples(
            dataset,
            train_limit=about.train_limit,
            test_limit=about.test_limit,
            seed=about.seed,
        )
    for name, table in spec.extra.items():
        dataset = with_test_set(dataset, name, **dict(table))
    labels = spec.labels
    dataset = treat_labels(dataset, noise=labels.noise, shuffle=labels.shuffle, seed=labels.seed)
    # before the transform, which the spec identifies: its last bits may differ between machines
    digest = f"{dataset.fingerprint()}:{dataset.inputs_digest()}"
    changed = dataset if about.transform is None else _transformed(dataset, spec)
    check_architecture(architecture.name, architecture.options, changed.kind)
    check_batch_size(spec, len(changed.train))
    if architecture.is_learner:
        check_data(architecture.name, spec.training.epochs, changed)
    return Prepared(spec, changed, dataset, spec.identity(digest))


def _transformed(dataset: Dataset, spec: TrainingSpec) -> Dataset:
    return transform_inputs(dataset, **dict(spec.dataset.transform or {}), seed=spec.dataset.seed)


def state_context(
    spec: TrainingSpec, identity: str, execution: Execution, seed: int
) -> dict[str, Any]:
    """What must be the same for a kept state to be continued bit for bit."""
    about = {"identity": identity, "execution": execution.to_json(), "seed": seed}
    return {**about, **versions(spec)}
