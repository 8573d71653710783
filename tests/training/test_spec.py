"""A spec says everything that fixes the predictions, and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from learnorder.errors import DataNotFound, LearnOrderError
from learnorder.training.spec import TrainingSpec, identifying_choices

MINIMAL = {"dataset": {"name": "digits"}, "architecture": {"name": "mlp"}}


def with_(**tables):
    return TrainingSpec.from_tables({**MINIMAL, **tables})


def test_only_dataset_and_architecture_have_no_default():
    spec = TrainingSpec.from_tables(MINIMAL)
    assert (spec.training.epochs, spec.optimizer.learning_rate, spec.optimizer.momentum) == (
        10,
        0.05,
        0.9,
    )
    with pytest.raises(LearnOrderError, match=r"architecture is missing"):
        TrainingSpec.from_tables({"dataset": {"name": "digits"}})
    with pytest.raises(LearnOrderError, match=r"dataset\.name is missing"):
        TrainingSpec.from_tables({**MINIMAL, "dataset": {}})


def test_defaults_follow_the_optimizer_named():
    assert with_(optimizer={"name": "adam"}).optimizer.learning_rate == 0.001
    assert with_(schedule={"name": "exponential"}).schedule.factor == 1.8
    with pytest.raises(LearnOrderError, match="momentum belongs to sgd"):
        with_(optimizer={"name": "adam", "momentum": 0.5})


def test_unknown_key_names_the_nearest():
    with pytest.raises(LearnOrderError, match=r"unknown key 'training\.epoch'.*'epochs'"):
        with_(training={"epoch": 3})
    with pytest.raises(LearnOrderError, match=r"unknown key 'optimiser'.*'optimizer'"):
        with_(optimiser={"name": "sgd"})


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("training", {"epochs": 0}, r"training\.epochs is 0"),
        ("training", {"epochs": 2.5}, r"training\.epochs is 2\.5"),
        ("training", {"epochs": "3"}, r"training\.epochs is '3'"),
        ("optimizer", {"name": "sdg"}, r"optimizer\.name is 'sdg'\. Allowed are 'sgd'"),
        ("optimizer", {"learning_rate": -1.0}, r"learning_rate is -1\.0"),
        ("optimizer", {"learning_rate": float("nan")}, "learning_rate"),
        ("training", {"order": "random"}, r"order is 'random'\. Allowed are 'shuffled', 'fixed'"),
        ("architecture", {"name": "mlp", "initialisation": "he"}, "'he'. Allowed are 'default', "),
        ("labels", {"noise": 0.1, "shuffle": True}, "either shuffled or noisy"),
        ("recording", {"every": 3}, r"epochs = 10 is not a multiple of recording\.every = 3"),
        ("recording", {"early": [1.5]}, "between 0 and 1"),
        ("recording", {"early": [0]}, "between 0 and 1"),
        ("recording", {"early": "lgo"}, r"early: it is 'none', 'log' or a list .*, not 'lgo'"),
        ("recording", {"early": 0.5}, r"early: it is .*, not 0\.5"),
        ("recording", {"every": 0}, r"every: it is a number of epochs .*, or 'log', not 0"),
        ("recording", {"every": True}, "every: it is .*, not True"),
        ("recording", {"every": "lgo"}, "every: it is .*, not 'lgo'"),
        ("recording", {"every": "log"}, r"10 is not recorded by .* 'log', but 8 and 12 are"),
        ("recording", {"batch_norm": "batch"}, r"Allowed are 'running' or 'reestimated'"),
        ("recording", {"batch_norm_examples": 50}, "belongs to batch_norm = 'reestimated'"),
        (
            "recording",
            {"batch_norm": "reestimated", "batch_norm_examples": 1},
            "batch_norm_examples = 1 is too few",
        ),
    ],
)
def test_value_that_is_not_allowed_is_named(table, values, message):
    with pytest.raises(LearnOrderError, match=message) as raised:
        with_(**{table: values})
    assert "\n" not in str(raised.value)


def test_examples_for_statistics_have_a_default_where_they_are_used():
    assert with_().recording.batch_norm_examples == 0
    wanted = with_(recording={"batch_norm": "reestimated"})
    assert wanted.recording.batch_norm_examples == 2000
    for spec in (with_(), wanted):
        assert TrainingSpec.from_tables(spec.resolved()) == spec


def test_paths_are_relative_to_the_file(tmp_path: Path):
    file = tmp_path / "spec.toml"
    file.write_text('[dataset]\nname = "npz"\npath = "data/x.npz"\n[architecture]\nname = "mlp"\n')
    assert TrainingSpec.from_toml(file).dataset.path == str(tmp_path / "data/x.npz")


def test_overrides_are_laid_over_the_file(tmp_path: Path):
    file = tmp_path / "spec.toml"
    file.write_text('[dataset]\nname = "digits"\n[architecture]\nname = "mlp"\n')
    spec = TrainingSpec.from_toml(file, {"training.epochs": 3, "optimizer.name": "adam"})
    assert (spec.training.epochs, spec.optimizer.learning_rate) == (3, 0.001)
    with pytest.raises(LearnOrderError, match=r"unknown key .training\.epoch."):
        TrainingSpec.from_toml(file, {"training.epoch": 3})


def test_missing_or_malformed_file_is_one_line(tmp_path: Path):
    with pytest.raises(DataNotFound, match="cannot read"):
        TrainingSpec.from_toml(tmp_path / "no.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[dataset\nname=")
    with pytest.raises(LearnOrderError, match="not valid TOML"):
        TrainingSpec.from_toml(broken)


def test_identity_ignores_paths_and_length_and_nothing_else():
    base = TrainingSpec.from_tables(MINIMAL)
    moved = with_(dataset={"name": "digits", "path": "/elsewhere"})
    longer = with_(training={"epochs": 20})
    assert base.identity("d") == moved.identity("d") == longer.identity("d")
    assert base.identity("d") != base.identity("other data")
    for change in (
        {"optimizer": {"learning_rate": 0.051}},
        {"architecture": {"name": "mlp", "options": {"width": 64}}},
        {"architecture": {"name": "mlp", "initialisation": "he-normal"}},
        {"training": {"precision": "bfloat16"}},
        {"training": {"order": "fixed"}},
        {"labels": {"shuffle": True}},
        {"dataset": {"name": "digits", "seed": 1}},
        {"recording": {"initial": True}},
        {"recording": {"every": 2}},
        {"recording": {"batch_norm": "reestimated"}},
        {"recording": {"probability": True}},
        {"recording": {"margin": True}},
        {"recording": {"error_norm": True}},
    ):
        assert with_(**change).identity("d") != base.identity("d")


def test_what_is_not_recorded_leaves_the_identity_as_it_was_before_it_could_be():
    """Logs that were begun when nothing but predictions could be recorded are continued."""
    resolved = TrainingSpec.from_tables(MINIMAL).resolved()
    assert resolved["recording"].keys() >= {"probability", "margin", "error_norm"}
    for added in ("probability", "margin", "error_norm"):
        assert f"recording.{added}" not in dict(identifying_choices(resolved))
    wanted = with_(recording={"margin": True, "error_norm": True})
    assert wanted.recording.of_label == ("margin", "error_norm")
    assert dict(identifying_choices(wanted.resolved()))["recording.margin"] is True


def test_what_could_not_be_chosen_leaves_the_identity_of_older_logs_as_it_was():
    choices = dict(identifying_choices(TrainingSpec.from_tables(MINIMAL).resolved()))
    assert not {"architecture.initialisation", "training.order"} & choices.keys()
    older = TrainingSpec.from_tables(MINIMAL).resolved()
    del older["architecture"]["initialisation"], older["training"]["order"]
    assert dict(identifying_choices(older)) == choices


def test_length_belongs_to_the_identity_where_the_schedule_depends_on_it():
    cosine = {"schedule": {"name": "cosine"}}
    short, long = with_(**cosine), with_(**cosine, training={"epochs": 20})
    assert short.identity("d") != long.identity("d")


def test_architecture_that_computes_otherwise_than_before_is_another_spec():
    minimal = {"dataset": {"name": "digits"}, "architecture": {"name": "st-vgg"}}
    resolved = TrainingSpec.from_tables(minimal).resolved()
    assert resolved["architecture"]["revision"] == 2
    assert dict(identifying_choices(resolved))["architecture.revision"] == 2
    earlier = {**resolved, "architecture": {"name": "st-vgg", "options": {}}}
    assert "architecture.revision" not in dict(identifying_choices(earlier))
    unchanged = {**minimal, "architecture": {"name": "lenet"}}
    choices = dict(identifying_choices(TrainingSpec.from_tables(unchanged).resolved()))
    assert "architecture.revision" not in choices
    minimal["architecture"]["revision"] = 1
    with pytest.raises(LearnOrderError, match="revision 1 of 'st-vgg' is not the one that this"):
        TrainingSpec.from_tables(minimal)


def test_more_replicates_side_by_side_than_any_machine_takes_are_refused():
    tables = {"dataset": {"name": "digits"}, "architecture": {"name": "linear"}}
    with pytest.raises(LearnOrderError, match=r"execution\.width is 1025"):
        TrainingSpec.from_tables({**tables, "execution": {"width": 1025}})


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"milestones": [2]}, "milestones does nothing where name = 'constant'"),
        ({"name": "cosine", "factor": 0.5}, "factor does nothing where name = 'cosine'"),
        ({"name": "step", "milestones": [2], "every": 3}, "every does nothing where name = 'step'"),
        ({"name": "step"}, "name = 'step' changes the rate at milestones; give some"),
    ],
)
def test_keys_of_a_schedule_that_would_do_nothing_are_refused(schedule, message):
    with pytest.raises(LearnOrderError, match=message):
        with_(schedule=schedule)


def test_options_of_a_dataset_that_is_drawn_are_filled_in():
    spec = with_(dataset={"name": "gabor", "options": {"n_train": 80}})
    assert spec.dataset.options["n_train"] == 80
    assert spec.dataset.options["wavelengths"] == [4.0]
    said = {"n_train": 80, "n_classes": 2}
    assert with_(dataset={"name": "gabor", "options": said}).identity("d") == spec.identity("d")
    again = TrainingSpec.from_tables(spec.resolved())
    assert again == spec


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"name": "zcaa"}, r"dataset\.transform\.name is 'zcaa'.*'permuted-pixels', 'zca' or"),
        ({"name": "zca", "epsilom": 1.0}, r"'dataset\.transform\.epsilom'.*'epsilon'"),
        ({"name": "zca", "epsilon": 0.0}, r"dataset\.transform\.epsilon is 0\.0"),
        ({"name": "pca"}, "keeps so many components"),
        ({"name": "zca", "components": 3}, "components does nothing"),
        ({"name": "pca", "components": 3, "epsilon": 0.1}, "epsilon does nothing"),
        ({"name": "permuted-pixels", "reconstruct": True}, "reconstruct does nothing"),
    ],
)
def test_transform_that_is_not_one_is_refused(transform, message):
    with pytest.raises(LearnOrderError, match=message):
        with_(dataset={"name": "digits", "transform": transform})


def test_unknown_keys_of_further_test_sets_are_refused():
    with pytest.raises(LearnOrderError, match=r"'extra\.noise\.lable'.*'labels'"):
        with_(extra={"noise": {"name": "noise", "lable": True}})
    with pytest.raises(LearnOrderError, match=r"extra\.noise\.name is missing"):
        with_(extra={"noise": {}})
    with pytest.raises(LearnOrderError, match=r"extra\.noise is 'noise'"):
        with_(extra={"noise": "noise"})


def test_paths_of_further_test_sets_are_relative_to_the_file_and_no_part_of_the_identity(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(
        '[dataset]\nname = "digits"\n[architecture]\nname = "mlp"\n'
        '[extra."far.off"]\nname = "npz"\npath = "far.npz"\n'
    )
    spec = TrainingSpec.from_toml(path)
    assert spec.extra["far.off"].path == str(tmp_path / "far.npz")
    elsewhere = with_(extra={"far.off": {"name": "npz", "path": "/else/far.npz"}})
    assert spec.identity("d") == elsewhere.identity("d")
    other = with_(extra={"far.off": {"name": "npz", "limit": 3}})
    assert len({spec.identity("d"), other.identity("d"), with_().identity("d")}) == 3


def test_without_a_transform_the_identity_is_as_it_was_before_there_were_any():
    assert not [k for k, _ in identifying_choices(with_().resolved()) if "transform" in k]
    transform = {"name": "zca", "epsilon": 0.1}
    changed = with_(dataset={"name": "digits", "transform": transform})
    assert dict(identifying_choices(changed.resolved()))["dataset.transform.epsilon"] == 0.1
    assert changed.identity("d") != with_().identity("d")
