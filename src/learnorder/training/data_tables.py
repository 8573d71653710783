"""The tables of a spec that say which examples: ``[dataset]``, its transform, ``[extra.NAME]``."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.options import with_defaults
from learnorder.datasets.registry import load_dataset
from learnorder.datasets.transforms import EPSILON

OptionValue = bool | int | float | str | list[int | float]


class Table(BaseModel):
    """A TOML table: unknown keys are refused, values are never coerced from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TransformSpec(Table):
    """Inputs changed on purpose, see `transform_inputs`; what it needs comes from ``train``."""

    name: Literal["permuted-pixels", "zca", "pca"]
    epsilon: float = Field(default=EPSILON, gt=0.0)
    components: int | None = Field(default=None, ge=1)
    reconstruct: bool = False

    @model_validator(mode="after")
    def _only_what_is_used(self) -> Self:
        if self.name == "pca" and self.components is None:
            raise ValueError("name = 'pca' keeps so many components; give a number")
        idle = {
            "epsilon": self.epsilon != EPSILON and self.name != "zca",
            "components": self.components is not None and self.name != "pca",
            "reconstruct": self.reconstruct and self.name != "pca",
        }
        for key in (key for key, is_idle in idle.items() if is_idle):
            raise ValueError(f"{key} does nothing where name = {self.name!r}; leave it out")
        return self


class _NamedData(Table):
    """What the training data and further test sets have in common: where they come from."""

    name: str = Field(min_length=1)
    path: str | None = None
    classes: list[str | int] | None = None
    label_column: str | None = None
    text_column: str | None = None
    image_size: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    options: dict[str, OptionValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_named(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return given
        options = given.get("options", {})
        if not isinstance(options, dict):
            return given
        return given | {"options": with_defaults(given["name"], options)}


class DatasetSpec(_NamedData):
    """Which examples: a known name or a kind of file, and how much of it."""

    train_limit: int | None = Field(default=None, ge=1)
    test_limit: int | None = Field(default=None, ge=1)
    embeddings: str | None = None
    max_tokens: int = Field(default=100, ge=1)
    transform: TransformSpec | None = None

    def load(self) -> Dataset:
        """Load these examples, as `load_dataset` does; without the transform."""
        return load_dataset(
            self.name,
            self.path,
            train_limit=self.train_limit,
            test_limit=self.test_limit,
            classes=self.classes,
            label_column=self.label_column,
            text_column=self.text_column,
            embeddings=self.embeddings,
            image_size=self.image_size,
            options=self.options,
            seed=self.seed,
        )


class ExtraSpec(_NamedData):
    """A further test set, see `with_test_set`: predicted like ``test``, never trained on."""

    split: str = Field(default="test", min_length=1)
    limit: int | None = Field(default=None, ge=1)
    labels: bool = False
    convert: bool = False
