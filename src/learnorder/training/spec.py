"""What is trained, as TOML: every choice that fixes the predictions, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import OF_LABEL
from learnorder.training.architectures.table import learner, revision
from learnorder.training.data_tables import DatasetSpec, ExtraSpec, Table
from learnorder.training.learners.choices import problem_of, without_idle_keys
from learnorder.training.log_spacing import log_spaced, neighbours
from learnorder.training.streams import Order
from learnorder.training.tables import flatten, put, read_toml

PATH_KEYS = ("dataset.path", "dataset.embeddings")
"""Where data lies is not part of what is trained; the fingerprint of the dataset is."""

ADDED_KEYS: Mapping[str, Any] = {
    "architecture.revision": 1,
    "architecture.initialisation": "default",
    "training.order": "shuffled",
    "dataset.transform": None,
    "recording.batch_norm": "running",
    "recording.batch_norm_examples": 0,
    **{f"recording.{quantity}": False for quantity in OF_LABEL},
}
"""Keys that older logs do not have, with the values that say what those logs did."""


Initialisation = Literal[
    "default", "he-normal", "he-uniform", "xavier-normal", "xavier-uniform", "orthogonal", "normal"
]
"""How weights begin; ``default`` is what torch gives each layer."""


SEVERAL = ("grid", "variants")
"""Tables of a file that make it several specs, see `variants`."""


class LabelSpec(Table):
    """Labels changed on purpose, in the training split only; one draw for all replicates."""

    kind: Literal["symmetric"] = "symmetric"
    noise: float = Field(default=0.0, ge=0.0, le=1.0)
    shuffle: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_treatment(self) -> Self:
        if self.shuffle and self.noise > 0:
            raise ValueError("labels are either shuffled or noisy; leave out shuffle or noise")
        return self


class ArchitectureSpec(Table):
    """A built-in architecture, or ``package.module:callable``, with its options.

    ``revision`` counts up when a built-in one computes other numbers than before. It is filled in,
    so that one log holds one computation. ``initialisation`` is of convolutions and dense layers.
    """

    name: str = Field(min_length=1)
    revision: int = Field(default=1, ge=1)
    initialisation: Initialisation = "default"
    options: dict[str, bool | int | float | str | list[int]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _revision_of_the_named(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return given
        present = revision(given["name"])
        if given.get("revision", present) != present:
            raise ValueError(
                f"revision {given['revision']!r} of {given['name']!r} is not the one that this "
                f"version computes, {present}. Leave it out"
            )
        return {"revision": present} | given

    @property
    def is_learner(self) -> bool:
        """Whether it is no network: rounds take the place of epochs."""
        return learner(self.name) is not None


class OptimizerSpec(Table):
    """The optimiser; what is left out gets the default of the one named."""

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = Field(default=0.0, gt=0.0, validate_default=False)
    momentum: float = Field(default=0.0, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_named(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        sgd = given.get("name", "sgd") == "sgd"
        if not sgd and "momentum" in given and given["momentum"]:
            raise ValueError("momentum belongs to sgd; leave it out")
        return {"learning_rate": 0.05 if sgd else 0.001, "momentum": 0.9 if sgd else 0.0} | given


class ScheduleSpec(Table):
    """The learning rate from epoch to epoch, as a factor on ``optimizer.learning_rate``.

    ``step`` multiplies by ``factor`` at each of ``milestones``; ``exponential`` divides by
    ``factor`` every ``every`` epochs; ``cosine`` falls to 0 over the whole training.
    """

    name: Literal["constant", "step", "exponential", "cosine"] = "constant"
    milestones: list[int] = Field(default_factory=list)
    factor: float = Field(default=0.0, gt=0.0, validate_default=False)
    every: int = Field(default=20, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_named(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {"factor": {"step": 0.1, "exponential": 1.8}.get(given.get("name", ""), 1.0)} | given

    @model_validator(mode="after")
    def _only_what_is_used(self) -> Self:
        if self.name == "step" and not self.milestones:
            raise ValueError("name = 'step' changes the rate at milestones; give some")
        idle = {
            "milestones": self.milestones and self.name != "step",
            "factor": self.factor != 1 and self.name not in ("step", "exponential"),
            "every": self.every != 20 and self.name != "exponential",
        }
        for key in (key for key, is_idle in idle.items() if is_idle):
            raise ValueError(f"{key} does nothing where name = {self.name!r}; leave it out")
        return self


class AugmentationSpec(Table):
    """Training images changed at random: mirrored left to right; moved by up to ``crop`` pixels."""

    flip: bool = False
    crop: int = Field(default=0, ge=0)


class RecordingSpec(Table):
    """After which epochs every example is predicted, and on which statistics.

    ``every`` k-th epoch, or ``log`` for epochs 1, 2, 3, 4, 6, 8, 12, ...; ``early`` points inside
    the first epoch, either fractions of it or ``log`` for steps 1, 2, 4, ...; ``initial`` adds
    epoch 0, before training. With ``batch_norm = "reestimated"`` the statistics of BatchNorm layers
    are taken at each of these points from ``batch_norm_examples`` of the training split.
    ``probability``, ``margin`` and ``error_norm`` keep numbers about the given label beside every
    prediction, in half precision, see `schema.OF_LABEL`.
    """

    every: int | Literal["log"] = 1
    early: Literal["none", "log"] | list[float] = "none"
    initial: bool = False
    batch_norm: Literal["running", "reestimated"] = "running"
    batch_norm_examples: int = Field(default=0, ge=0)
    probability: bool = False
    margin: bool = False
    error_norm: bool = False

    @model_validator(mode="before")
    @classmethod
    def _examples_where_they_are_used(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        used = given.get("batch_norm") == "reestimated"
        if not used and given.get("batch_norm_examples"):
            raise ValueError("batch_norm_examples belongs to batch_norm = 'reestimated'")
        return {"batch_norm_examples": 2000 if used else 0} | given

    @field_validator("every", mode="before")
    @classmethod
    def _epochs_or_log(cls, value: Any) -> Any:
        if value == "log" or (type(value) is int and value >= 1):
            return value
        raise ValueError(f"it is a number of epochs of at least 1, or 'log', not {value!r}")

    @field_validator("early", mode="before")
    @classmethod
    def _fractions_or_log(cls, value: Any) -> Any:
        if value in ("none", "log"):
            return value
        if isinstance(value, list) and all(type(f) in (int, float) for f in value):
            return value
        raise ValueError(f"it is 'none', 'log' or a list of fractions of an epoch, not {value!r}")

    @model_validator(mode="after")
    def _within_range(self) -> Self:
        if isinstance(self.early, list) and any(not 0 < f < 1 for f in self.early):
            raise ValueError(f"early fractions lie between 0 and 1, not {self.early}")
        if self.batch_norm == "reestimated" and self.batch_norm_examples < 2:
            raise ValueError(
                f"batch_norm_examples = {self.batch_norm_examples} is too few for a variance; "
                "give 2 or more"
            )
        return self

    @property
    def of_label(self) -> tuple[str, ...]:
        """What is kept beside predictions, for splits with labels."""
        return tuple(quantity for quantity in OF_LABEL if getattr(self, quantity))

    def epochs(self, last: int) -> list[int]:
        """Return the whole epochs from 1 to ``last`` that are recorded."""
        if self.every == "log":
            return log_spaced(last)
        return list(range(self.every, last + 1, self.every))


class TrainingTable(Table):
    """How long, in which batches, in which order and arithmetic."""

    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=128, ge=1)
    order: Order = "shuffled"
    precision: Literal["float32", "bfloat16", "auto"] = "float32"


class ExecutionSpec(Table):
    """How replicates are trained: settled before the first one, then the same for the whole log.

    ``executor`` ``auto`` goes by the network, ``probe`` by a short measurement. ``width`` is how
    many replicates an executor trains side by side, 0 for its usual number.
    """

    executor: Literal["auto", "probe", "sequential", "grouped", "vmap"] = "auto"
    width: int = Field(default=0, ge=0, le=1024)
    device: str = "cpu"


class TrainingSpec(Table):
    """Everything that, with a seed, fixes a replicate bit for bit on one platform."""

    dataset: DatasetSpec
    extra: dict[str, ExtraSpec] = Field(default_factory=dict)
    labels: LabelSpec = Field(default_factory=LabelSpec)
    architecture: ArchitectureSpec
    optimizer: OptimizerSpec = Field(default_factory=lambda: OptimizerSpec.model_validate({}))
    schedule: ScheduleSpec = Field(default_factory=lambda: ScheduleSpec.model_validate({}))
    augmentation: AugmentationSpec = Field(default_factory=AugmentationSpec)
    recording: RecordingSpec = Field(default_factory=RecordingSpec)
    training: TrainingTable = Field(default_factory=TrainingTable)
    execution: ExecutionSpec = Field(default_factory=ExecutionSpec)

    @model_validator(mode="after")
    def _only_what_the_learner_knows(self) -> Self:
        if problem := problem_of(self.architecture.name, self, self.recording.of_label):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _end_is_recorded(self) -> Self:
        last, every = self.training.epochs, self.recording.every
        if last in self.recording.epochs(last):
            return self
        if every == "log":
            before, after = neighbours(last)
            reason = f"not recorded by recording.every = 'log', but {before} and {after} are"
        else:
            reason = f"not a multiple of recording.every = {every}"
        raise ValueError(
            f"training.epochs = {last} is {reason}, so the end of training would not be recorded"
        )

    @classmethod
    def from_toml(
        cls, path: str | Path, overrides: Mapping[str, Any] | None = None
    ) -> TrainingSpec:
        """Read a spec; relative paths in it start from its folder.

        Parameters
        ----------
        path
            A TOML file.
        overrides
            Values by dotted key, such as ``{"training.epochs": 3}``, laid over the file.

        Raises
        ------
        LearnOrderError
            The file is missing or no TOML, a key is unknown, a value is not allowed, or it holds
            several specs.
        """
        path = Path(path)
        tables = read_toml(path)
        for key, value in (overrides or {}).items():
            put(tables, key, value)
        if several := [key for key in SEVERAL if key in tables]:
            raise LearnOrderError(
                f"spec: {path} has [{several[0]}], so it is several specs. TrainingSpec.from_toml "
                "reads one. Use learnorder.read_variants, or `learnorder train` with a folder as "
                "--out."
            )
        spec = cls.from_tables(tables, source=str(path))
        return spec.with_paths_from(path.parent)

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any], source: str = "spec") -> TrainingSpec:
        """Check nested tables, such as parsed TOML; ``source`` names them in errors."""
        try:
            return cls.model_validate(dict(tables))
        except ValidationError as error:
            raise LearnOrderError(_one_line(error, source)) from error

    def with_paths_from(self, folder: Path) -> TrainingSpec:
        """Return the spec with relative paths that exist under ``folder`` made absolute."""
        changed = {"path": _path_from(folder, self.dataset)}
        if self.dataset.embeddings is not None:
            found = folder.resolve() / Path(self.dataset.embeddings).expanduser()
            # word vectors may also lie in the dataset's own folder, which the loader knows
            if found.exists():
                changed["embeddings"] = str(found)
        extra = {
            name: table.model_copy(update={"path": _path_from(folder, table)})
            for name, table in self.extra.items()
        }
        dataset = self.dataset.model_copy(update=changed)
        return self.model_copy(update={"dataset": dataset, "extra": extra})

    def resolved(self) -> dict[str, Any]:
        """Return every choice with its value, as plain JSON types."""
        resolved = self.model_dump(mode="json")
        return without_idle_keys(resolved) if self.architecture.is_learner else resolved

    def identity(self, dataset_digest: str) -> str:
        """Digest of what fixes the predictions of a seed: the choices without paths, and the data.

        The number of epochs is left out where it only says how far training goes, so that a
        longer training of the same spec continues the shorter one.
        """
        content = {"spec": dict(identifying_choices(self.resolved())), "dataset": dataset_digest}
        return hashlib.blake2b(
            json.dumps(content, sort_keys=True).encode(), digest_size=16
        ).hexdigest()


def identifying_choices(resolved: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values that belong to the identity of a resolved spec."""
    is_learner = learner(resolved["architecture"]["name"]) is not None
    horizon_matters = not is_learner and resolved["schedule"]["name"] == "cosine"
    for key, value in flatten(resolved):
        if is_path(key) or (key == "training.epochs" and not horizon_matters):
            continue
        if key.startswith("execution."):
            continue  # settled and kept beside the spec
        if key in ADDED_KEYS and value == ADDED_KEYS[key]:
            continue
        yield key, value


def is_path(key: str) -> bool:
    """Whether a dotted key says where data lies."""
    return key in PATH_KEYS or (key.startswith("extra.") and key.endswith(".path"))


def _path_from(folder: Path, table: DatasetSpec | ExtraSpec) -> str | None:
    """Path of a dataset, which starts from the folder where it is relative."""
    if table.path is None or table.name == "hub":
        return table.path
    return str(folder.resolve() / Path(table.path).expanduser())


def _one_line(error: ValidationError, source: str) -> str:
    problems = [_problem(dict(e)) for e in error.errors(include_url=False)]
    return f"spec: {source}: {'; '.join(problems)}"


def _problem(error: Mapping[str, Any]) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    match error["type"]:
        case "extra_forbidden":
            known = known_keys(location[:-1])
            return f"unknown key {key!r}. {nearest(location[-1], known)}"
        case "missing":
            return f"{key} is missing. It has no default; add it to the file."
        case "model_type" | "dict_type":
            return f"{key} is {error['input']!r}. It is a table of keys and values."
        case "literal_error":
            return f"{key} is {error['input']!r}. Allowed are {error['ctx']['expected']}."
        case "value_error":
            return f"{key + ': ' if key else ''}{error['ctx']['error']}."
    return f"{key} is {error['input']!r}. {error['msg']}."


def known_keys(location: list[str]) -> list[str]:
    """Keys allowed in the table at ``location``."""
    annotation: Any = TrainingSpec
    for part in location:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]  # the part is a name of the user's own
            continue
        table = _table_in(annotation)
        if table is None or part not in table.model_fields:
            return []
        annotation = table.model_fields[part].annotation
    table = _table_in(annotation)
    return [] if table is None else list(table.model_fields)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """Return the table that a value of this type is, or may be."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
