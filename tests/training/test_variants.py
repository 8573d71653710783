"""Several specs in one file: which there are, what each says, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import learnorder as lo
from learnorder.errors import DataNotFound, LearnOrderError
from learnorder.training.spec import TrainingSpec

BASE = """
[dataset]
name = "digits"
[architecture]
name = "st-vgg"
options = { batch_norm = true }
[optimizer]
momentum = 0.5
[training]
epochs = 4
"""


@pytest.fixture
def read(tmp_path: Path):
    """Write the base with more tables after it, and read the specs of the file."""

    def read(more: str, overrides=None, base: str = BASE):
        file = tmp_path / "spec.toml"
        file.write_text(base + more)
        return lo.read_variants(file, overrides)

    return read


def test_file_of_one_spec_is_the_base(read, tmp_path):
    specs = read("")
    assert specs == {"base": TrainingSpec.from_toml(tmp_path / "spec.toml")}


def test_variants_are_laid_over_the_base_which_comes_first(read):
    specs = read("[variants.long.training]\nepochs = 9\n[variants.fast]\noptimizer.momentum = 0.9")
    assert list(specs) == ["base", "long", "fast"]
    assert [s.training.epochs for s in specs.values()] == [4, 9, 4]
    assert [s.optimizer.momentum for s in specs.values()] == [0.5, 0.5, 0.9]
    assert all(s.architecture.options == {"batch_norm": True} for s in specs.values())


def test_another_name_takes_nothing_of_the_table_that_the_base_has(read):
    specs = read(
        '[variants.lenet.architecture]\nname = "lenet"\n'
        '[variants.adam.optimizer]\nname = "adam"\n'
        '[variants.named.optimizer]\nname = "sgd"\nmomentum = 0.1\n'
    )
    assert specs["lenet"].architecture.options == {}
    assert (specs["adam"].optimizer.learning_rate, specs["adam"].optimizer.momentum) == (0.001, 0)
    assert specs["adam"].architecture == specs["base"].architecture


def test_name_that_the_base_leaves_out_is_the_default_one(read):
    specs = read('[variants.slow.optimizer]\nname = "sgd"\nlearning_rate = 0.01\n')
    assert specs["slow"].optimizer.momentum == 0.5


def test_grid_is_every_combination_named_by_its_values(read):
    grid = '[grid]\noptimizer.learning_rate = [0.1, 1e-4]\n"training.batch_size" = [32, 64]\n'
    specs = read(grid)
    assert list(specs) == [
        "learning_rate=0.1,batch_size=32",
        "learning_rate=0.1,batch_size=64",
        "learning_rate=0.0001,batch_size=32",
        "learning_rate=0.0001,batch_size=64",
    ]
    spec = specs["learning_rate=0.0001,batch_size=32"]
    assert (spec.optimizer.learning_rate, spec.training.batch_size) == (1e-4, 32)
    assert spec.optimizer.momentum == 0.5


def test_keys_that_end_alike_are_told_apart_and_values_can_be_names_of_files(read):
    specs = read(
        '[grid]\narchitecture.name = ["lenet", "my.nets:wide"]\noptimizer.name = ["adam"]\n'
        "recording.early = [[0.1, 0.5]]\nlabels.shuffle = [true]\n"
    )
    assert list(specs) == [
        "architecture.name=lenet,optimizer.name=adam,early=0.1+0.5,shuffle=true",
        "architecture.name=my.nets-wide,optimizer.name=adam,early=0.1+0.5,shuffle=true",
    ]
    assert all(s.recording.early == [0.1, 0.5] and s.labels.shuffle for s in specs.values())
    assert specs.popitem()[1].architecture.name == "my.nets:wide"


def test_base_variants_and_grid_points_come_in_this_order(read):
    specs = read("[grid]\ntraining.epochs = [1, 2]\n[variants.long.training]\nepochs = 9\n")
    assert list(specs) == ["base", "long", "epochs=1", "epochs=2"]


def test_base_of_a_grid_need_not_be_whole(read):
    base = '[dataset]\nname = "digits"\n'
    specs = read('[grid]\narchitecture.name = ["mlp", "linear"]\n', base=base)
    assert [s.architecture.name for s in specs.values()] == ["mlp", "linear"]


def test_overrides_are_for_all_alike(read):
    variants = '[variants.adam.optimizer]\nname = "adam"\n'
    specs = read(variants, {"training.epochs": 2, "optimizer.weight_decay": 0.1})
    assert [(s.training.epochs, s.optimizer.weight_decay) for s in specs.values()] == [(2, 0.1)] * 2
    specs = read("", {"grid.training.epochs": [2, 3]})
    assert list(specs) == ["epochs=2", "epochs=3"]


def test_paths_of_every_variant_are_relative_to_the_file(read, tmp_path):
    base = '[dataset]\nname = "npz"\npath = "a.npz"\n[architecture]\nname = "mlp"\n'
    specs = read('[variants.other.dataset]\npath = "b.npz"\n', base=base)
    assert [s.dataset.path for s in specs.values()] == [
        str(tmp_path / "a.npz"),
        str(tmp_path / "b.npz"),
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "[variants.a.training]\nepoch = 3",
            r"variant 'a': unknown key 'training\.epoch'.*'epochs'",
        ),
        ("[variants.a.trainning]\nepochs = 3", "variant 'a': unknown key 'trainning'.*'training'"),
        ("[variants.a.variants]\nb = 1", "variant 'a': unknown key 'variants'"),
        ("[grid]\ntraining.epoch = [3]", r"variant 'epoch=3': unknown key 'training\.epoch'"),
        ("[grid]\ntraining.epochs = [3, 0]", r"variant 'epochs=0': training\.epochs is 0"),
        ("[grid]\ntraining.epochs = 3", r"grid\.training\.epochs is 3\. It is a list of values"),
        ("[grid]\ntraining.epochs = []", r"grid\.training\.epochs is \[\]"),
        ("[grid]", r"\[grid\] is empty"),
        ("[variants]", r"\[variants\] holds none"),
        ("[variants]\na = 3", r"variants\.a is 3"),
        ("[variants.base.training]\nepochs = 3", "a variant is named 'base'"),
        ('[variants."a/b".training]\nepochs = 3', "'a/b' cannot be the name of a variant"),
        ('[variants.".a".training]\nepochs = 3', "'.a' cannot be the name of a variant"),
        ("[variants.a.training]\nepochs = 4", "'base' and 'a' are the same spec"),
        ("[grid]\ntraining.epochs = [3, 3]", "two variants are named 'epochs=3'"),
        ("[grid]\narchitecture.name = ['a:b', 'a-b']", "two variants are named 'name=a-b'"),
        (f"[grid]\narchitecture.name = ['{'a' * 200}']", "has 205 characters"),
        ("[grid]\ntraining = [3]", "variant 'training=3': training is 3"),
    ],
)
def test_what_is_no_variant_is_one_line(read, more, message):
    with pytest.raises(LearnOrderError, match=message) as raised:
        read(more)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["training.epochs", "training"])
def test_override_of_what_is_varied_is_refused(read, key):
    value = 3 if key == "training.epochs" else {"epochs": 3}
    with pytest.raises(LearnOrderError, match=f"'{key}' is overridden, and variant 'long' says"):
        read("[variants.long.training]\nepochs = 9\n", {key: value})


@pytest.mark.parametrize("more", ["[grid]\ntraining.epochs = [1]", "[variants.a.training]"])
def test_reading_such_a_file_as_one_spec_names_what_to_use(tmp_path, more):
    file = tmp_path / "spec.toml"
    file.write_text(BASE + more)
    with pytest.raises(LearnOrderError, match=r"has \[(grid|variants)\].*read_variants"):
        TrainingSpec.from_toml(file)
    with pytest.raises(DataNotFound, match="cannot read"):
        lo.read_variants(tmp_path / "no.toml")
