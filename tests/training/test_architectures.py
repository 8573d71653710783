"""Built-in networks are what their definitions say; own networks are checked before use."""

from __future__ import annotations

import importlib
import inspect
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from learnorder.errors import LearnOrderError
from learnorder.training.architectures import (
    ArchitectureEntry,
    build,
    check_architecture,
    known_architectures,
)
from learnorder.training.inputs import InputShape

GREY = InputShape("image", (1, 28, 28))
COLOUR = InputShape("image", (3, 32, 32))
TEXT = InputShape("text", (12,), vocabulary_size=30)
FEATURES = InputShape("features", (7,))

NETWORKS = [entry for entry in known_architectures() if not entry.is_learner]
IMAGE_NAMES = [entry.name for entry in NETWORKS if "image" in entry.kinds]
NARROW: dict[str, dict[str, int]] = {
    **{name: {"width": 8} for name in ("st-vgg", "vgg-16", "vgg-19", "resnet-18", "resnet-50")},
    "inception": {"width": 4},
    "densenet": {"depth": 16},
}
"""Options with which large networks are small enough to be tried in a moment."""

TEXT_NAMES = [entry.name for entry in NETWORKS if "text" in entry.kinds]
ENTRIES = {entry.name: entry for entry in known_architectures()}


def examples(shape: InputShape, n: int = 4) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    if shape.kind != "text":
        return torch.randn((n, *shape.shape), generator=stream)
    ids = torch.randint(1, shape.vocabulary_size or 2, (n, *shape.shape), generator=stream)
    lengths = torch.arange(1, n + 1).clamp(max=shape.shape[0])
    return ids * (torch.arange(shape.shape[0]) < lengths[:, None])


def seeded(name: str, shape: InputShape, n_classes: int = 10, **options: Any) -> torch.nn.Module:
    torch.manual_seed(5)
    return build(name, shape, n_classes, options)


def n_parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def shape_for(entry: ArchitectureEntry) -> InputShape:
    return TEXT if "text" in entry.kinds else COLOUR


# the counts are worked out by hand: weights plus biases, layer by layer
ST_VGG = (
    (3 * 9 * 32 + 32)
    + (32 * 9 * 32 + 32)
    + (32 * 9 * 64 + 64)
    + (64 * 9 * 64 + 64)
    + (64 * 9 * 128 + 128)
    + (128 * 9 * 128 + 128)
    + (128 * 4 * 256 + 256)
    + (256 * 4 * 256 + 256)
    + (2 * 2 * 256 * 512 + 512)
    + (512 * 10 + 10)
)

VGG_CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)


def normalised(inputs: int, outputs: int, kernel: int) -> int:
    """Weights without bias, then scale and shift of each channel."""
    return inputs * kernel**2 * outputs + 2 * outputs


def vgg(channels: tuple[int, ...]) -> int:
    return sum(normalised(a, b, 3) for a, b in itertools.pairwise(channels)) + 512 * 10 + 10


def basic_stage(inputs: int, outputs: int) -> int:
    """Two blocks of two convolutions; the first one's shortcut is a convolution if it has to be."""
    shortcut = 0 if inputs == outputs else normalised(inputs, outputs, 1)
    return normalised(inputs, outputs, 3) + 3 * normalised(outputs, outputs, 3) + shortcut


def bottleneck_stage(inputs: int, channels: int, n_blocks: int) -> int:
    outputs = 4 * channels
    inner = normalised(channels, channels, 3) + normalised(channels, outputs, 1)
    first = normalised(inputs, channels, 1) + inner + normalised(inputs, outputs, 1)
    return first + (n_blocks - 1) * (normalised(outputs, channels, 1) + inner)


RESNET_18 = (
    normalised(3, 64, 3)
    + basic_stage(64, 64)
    + basic_stage(64, 128)
    + basic_stage(128, 256)
    + basic_stage(256, 512)
    + (512 * 10 + 10)
)
RESNET_50 = (
    normalised(3, 64, 3)
    + bottleneck_stage(64, 64, 3)
    + bottleneck_stage(256, 128, 4)
    + bottleneck_stage(512, 256, 6)
    + bottleneck_stage(1024, 512, 3)
    + (2048 * 10 + 10)
)


def densenet(layers: int, growth: int) -> int:
    count, channels = 3 * 9 * 2 * growth, 2 * growth
    for block in range(3):
        if block:
            count, channels = count + 2 * channels + channels * (channels // 2), channels // 2
        for _ in range(layers):
            count += 2 * channels + normalised(channels, 4 * growth, 1) + 4 * growth * 9 * growth
            channels += growth
    return count + 2 * channels + channels * 10 + 10


# from zhang2017understanding, table 1, for 28x28 pixels; it has a shift but no scale of channels
ALEXNET_OF_ITS_SOURCE = 1_387_786
INCEPTION_OF_ITS_SOURCE = 1_649_402
INCEPTION_CHANNELS = 96 + 64 + 80 + 80 + 4 * 160 - 16 + 96 + 2 * 336

BILSTM_TRUNK = 2 * 4 * 64 * (100 + 64 + 2)
TRANSFORMER_LAYER = 4 * 64 * 64 + 2 * 2 * 64 + (64 * 256 + 256) + (256 * 64 + 64)


@pytest.mark.parametrize(
    ("name", "shape", "options", "expected"),
    [
        ("linear", GREY, {}, 7_850),
        ("deep-linear", GREY, {}, 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10),
        ("deep-linear", GREY, {"depth": 1}, 7_850),
        ("mlp", GREY, {}, 203_530),
        ("mlp", GREY, {"depth": 2, "width": 8}, 784 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10),
        ("mlp", GREY, {"dropout": True}, 203_530),
        ("lenet", GREY, {}, 80_202),
        ("lenet", GREY, {"width": 2}, 52 + (2 * 25 * 4 + 4) + (4 * 16 * 16 + 16) + 170),
        ("lenet", GREY, {"dropout": True}, 80_202),
        ("st-vgg", COLOUR, {}, ST_VGG),
        ("st-vgg", COLOUR, {"batch_norm": True}, ST_VGG + 2 * 2 * (32 + 64 + 128 + 256)),
        ("st-vgg", COLOUR, {"width": 1}, 28 + 10 + 20 + 38 + 76 + 148 + 136 + 264 + 528 + 170),
        ("resnet-8", COLOUR, {}, 78_042),
        ("resnet-20", COLOUR, {}, 272_474),
        (
            "resnet-8",
            COLOUR,
            {"width": 4},
            normalised(3, 4, 3)
            + 2 * normalised(4, 4, 3)
            + (normalised(4, 8, 3) + normalised(8, 8, 3) + normalised(4, 8, 1))
            + (normalised(8, 16, 3) + normalised(16, 16, 3) + normalised(8, 16, 1))
            + (16 * 10 + 10),
        ),
        ("alexnet", InputShape("image", (3, 28, 28)), {}, ALEXNET_OF_ITS_SOURCE),
        ("inception", COLOUR, {}, INCEPTION_OF_ITS_SOURCE + INCEPTION_CHANNELS),
        ("vgg-16", COLOUR, {}, vgg(VGG_CHANNELS)),
        ("vgg-19", COLOUR, {}, vgg((*VGG_CHANNELS[:8], 256, *(8 * [512])))),
        ("resnet-18", COLOUR, {}, RESNET_18),
        ("resnet-50", COLOUR, {}, RESNET_50),
        ("densenet", COLOUR, {}, densenet(layers=6, growth=12)),
        ("densenet", COLOUR, {"depth": 10, "growth": 4}, densenet(layers=1, growth=4)),
        ("bag-of-embeddings", TEXT, {}, 30 * 100 + 100 * 10 + 10),
        ("bilstm", TEXT, {}, 30 * 100 + 86_282),
        ("bilstm", TEXT, {"hidden": 2, "embedding_dim": 3}, 90 + 2 * 8 * (3 + 2 + 2) + 4 * 10 + 10),
        (
            "bilstm-attention",
            TEXT,
            {},
            30 * 100 + BILSTM_TRUNK + (128 * 128 + 128) + 128 + (128 * 10 + 10),
        ),
        (
            "transformer",
            TEXT,
            {},
            30 * 100 + (100 * 64 + 64) + 2 * TRANSFORMER_LAYER + 2 * 64 + (64 * 10 + 10),
        ),
    ],
)
def test_parameter_count_is_that_of_the_definition(
    name: str, shape: InputShape, options: dict[str, Any], expected: int
) -> None:
    assert n_parameters(build(name, shape, 10, options)) == expected


def test_st_vgg_has_1_210_666_parameters_on_cifar() -> None:
    assert ST_VGG == 1_210_666


def test_residual_and_dense_networks_have_the_sizes_that_are_known_of_them() -> None:
    assert (RESNET_18, RESNET_50, densenet(6, 12)) == (11_173_962, 23_520_842, 176_122)


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_gradients_reach_every_trainable_parameter(entry: ArchitectureEntry) -> None:
    shape = shape_for(entry)
    network = seeded(entry.name, shape, **NARROW.get(entry.name, {})).train()
    logits = network(examples(shape, n=6))
    assert logits.shape == (6, 10)
    functional.cross_entropy(logits, torch.arange(6)).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_the_torch_seed_alone_decides_the_initial_weights(entry: ArchitectureEntry) -> None:
    shape, options = shape_for(entry), NARROW.get(entry.name, {})
    first = seeded(entry.name, shape, **options)
    stream = torch.get_rng_state()
    np.random.default_rng().random()
    again = seeded(entry.name, shape, **options)
    assert torch.equal(torch.get_rng_state(), stream)
    torch.manual_seed(6)
    other = build(entry.name, shape, 10, options)
    weights = [network.state_dict() for network in (first, again, other)]
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    assert any(not torch.equal(weights[0][k], weights[2][k]) for k in weights[0])
    assert all(module.training for module in first.modules())


def test_checking_the_network_draws_nothing_from_the_stream() -> None:
    torch.manual_seed(1)
    torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    expected = torch.get_rng_state()
    torch.manual_seed(1)
    build("linear", GREY, 10, {})
    assert torch.equal(torch.get_rng_state(), expected)


def test_checking_the_network_leaves_running_statistics_alone() -> None:
    network = build("resnet-8", COLOUR, 10, {})
    counters = [v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")]
    assert counters
    assert not any(counters)


@pytest.mark.parametrize("name", [n for n in IMAGE_NAMES if ENTRIES[n].smallest_image <= 8])
@pytest.mark.parametrize("size", [(8, 8), (9, 13)])
def test_reads_small_images_and_uneven_ones(name: str, size: tuple[int, int]) -> None:
    shape = InputShape("image", (1, *size))
    assert build(name, shape, 3, NARROW.get(name, {})).eval()(examples(shape)).shape == (4, 3)


@pytest.mark.parametrize("name", ["lenet", "st-vgg"])
@pytest.mark.parametrize("size", [(16, 16), (16, 40), (33, 17)])
def test_reads_the_smallest_and_uneven_images(name: str, size: tuple[int, int]) -> None:
    shape = InputShape("image", (2, *size))
    assert build(name, shape, 3, {}).eval()(examples(shape)).shape == (4, 3)


@pytest.mark.parametrize("name", ["linear", "deep-linear", "mlp"])
def test_dense_networks_read_features(name: str) -> None:
    assert build(name, FEATURES, 2, {})(examples(FEATURES)).shape == (4, 2)


def test_deep_linear_is_linear() -> None:
    network = build("deep-linear", FEATURES, 3, {"width": 16}).double()
    a, b = torch.randn(2, 7, dtype=torch.float64)
    zero = network(torch.zeros(1, 7, dtype=torch.float64))
    both = network((a + b)[None]) - zero
    torch.testing.assert_close(both, network(a[None]) + network(b[None]) - 2 * zero)


def test_st_vgg_pads_its_even_kernels_right_and_below() -> None:
    network = build("st-vgg", COLOUR, 10, {})
    padding = [m for m in network.modules() if isinstance(m, torch.nn.ZeroPad2d)]
    assert [m.padding for m in padding] == [(0, 1, 0, 1)] * 2


@pytest.mark.parametrize("name", IMAGE_NAMES)
def test_built_in_networks_that_work_in_place_leave_their_input_alone(name: str) -> None:
    images = examples(COLOUR)
    before = images.clone()
    build(name, COLOUR, 10, NARROW.get(name, {}))(images).sum().backward()
    assert torch.equal(images, before)


def test_pool_and_nonlinearity_may_be_exchanged() -> None:
    """What lenet and st-vgg rely on: both are monotone, so the order changes no value."""
    images = torch.randn((3, 4, 10, 8), generator=torch.Generator().manual_seed(0))
    pool = torch.nn.MaxPool2d(2)
    for monotone in (torch.nn.ReLU(), torch.nn.ELU()):
        torch.testing.assert_close(pool(monotone(images)), monotone(pool(images)))


def test_st_vgg_without_dropout_is_the_same_in_training_and_evaluation() -> None:
    x = examples(COLOUR)
    without = seeded("st-vgg", COLOUR, dropout=False)
    assert torch.equal(without.train()(x), without.eval()(x))
    default = seeded("st-vgg", COLOUR)
    assert not torch.equal(default.train()(x), default.eval()(x))
    rates = [m.p for m in default.modules() if isinstance(m, torch.nn.Dropout)]
    assert rates == [0.25, 0.25, 0.25, 0.25, 0.5]


def test_dropout_of_mlp_and_lenet_is_a_half_before_what_reads_dense_layers() -> None:
    mlp = build("mlp", GREY, 10, {"depth": 2, "width": 8, "dropout": True})
    assert [type(m).__name__ for m in mlp][2:4] == ["ReLU", "Dropout"]
    assert [m.p for m in mlp if isinstance(m, torch.nn.Dropout)] == [0.5, 0.5]
    lenet = build("lenet", GREY, 10, {"dropout": True})
    assert [m.p for m in lenet if isinstance(m, torch.nn.Dropout)] == [0.5]
    for network in (mlp, lenet):
        assert isinstance(network[-2], torch.nn.Dropout)
    assert not any(isinstance(m, torch.nn.Dropout) for m in build("mlp", GREY, 10, {}))


def test_depth_of_a_densenet_that_makes_no_equal_blocks_is_refused() -> None:
    assert "Use 40 or 46." in fails("'depth' of 'densenet' is 42", "densenet", COLOUR, depth=42)
    assert "Use 10 or 16." in fails("'depth' of 'densenet' is 4", "densenet", COLOUR, depth=4)


def test_width_of_a_transformer_that_its_heads_cannot_share_is_refused() -> None:
    assert "width of 66" in fails("'width' of .* is 64", "transformer", TEXT, heads=3)


def test_images_of_28_pixels_go_through_four_pools_of_a_vgg() -> None:
    wide, small = (
        build("vgg-16", InputShape("image", (1, n, n)), 3, {"width": 1}) for n in (32, 28)
    )
    pools = [sum(isinstance(m, torch.nn.MaxPool2d) for m in net) for net in (wide, small)]
    assert pools == [5, 4]
    images = examples(InputShape("image", (1, 32, 32)))
    assert wide.eval()[:-3](images).shape == (4, 8, 1, 1)


def test_local_normalisation_is_that_of_its_definition() -> None:
    from learnorder.training.architectures.alexnet import LocalResponseNorm

    images = 50 * torch.randn((2, 7, 3, 4), generator=torch.Generator().manual_seed(0))
    # PyTorch divides alpha by the size of the window
    expected = functional.local_response_norm(images, 5, alpha=5e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(LocalResponseNorm()(images), expected)
    assert not torch.allclose(expected, images / 2**0.75, rtol=0.05)


def test_a_module_of_inception_puts_both_kinds_of_kernels_side_by_side() -> None:
    from learnorder.training.architectures.inception import Halving, InceptionModule

    images = examples(InputShape("image", (4, 7, 7)))
    module, halving = InceptionModule(4, 3, 5).eval(), Halving(4, 6).eval()
    assert torch.equal(module(images)[:, :3], module.ones(images))
    assert torch.equal(module(images)[:, 3:], module.threes(images))
    assert halving(images).shape == (4, 10, 4, 4)
    assert torch.equal(halving(images)[:, 6:], functional.max_pool2d(images, 3, 2, padding=1))


def test_a_layer_of_a_densenet_keeps_what_it_reads() -> None:
    from learnorder.training.architectures.densenet import DenseLayer

    images = examples(InputShape("image", (4, 7, 7)))
    assert torch.equal(DenseLayer(4, 3)(images)[:, :4], images)


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_what_follows_the_end_of_a_text_changes_nothing(name: str) -> None:
    network = seeded(name, TEXT).eval()
    ids = examples(TEXT)
    longer = torch.cat([ids, torch.zeros(4, 9, dtype=torch.int64)], dim=1)
    torch.testing.assert_close(network(longer), network(ids), rtol=1e-6, atol=1e-6)
    alone = torch.cat([network(row[row != 0][None]) for row in ids])
    torch.testing.assert_close(network(ids), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_a_text_without_tokens_is_read_as_one_of_padding(name: str) -> None:
    network = seeded(name, TEXT).eval()
    nothing = torch.zeros(1, 12, dtype=torch.int64)
    logits = network(nothing)
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(network(nothing[:, :1]), logits, rtol=1e-5, atol=1e-6)


def test_attention_is_that_of_its_formula() -> None:
    network = seeded("bilstm-attention", TEXT, hidden=3).eval()
    text = torch.tensor([[4, 9, 2, 0, 0]])
    vectors = network.embedding(text[:, :3])
    forwards = network.forwards(vectors)[0][0]
    backwards = network.backwards(vectors.flip(1))[0][0].flip(0)
    states = torch.cat([forwards, backwards], dim=1)
    layer, score = network.attended, network.score.weight[0]
    scores = torch.stack([torch.tanh(layer.weight @ h + layer.bias) @ score for h in states])
    weights = scores.exp() / scores.exp().sum()
    torch.testing.assert_close(network(text)[0], network.output(weights @ states))


def test_a_transformer_layer_computes_what_pytorchs_own_does() -> None:
    from learnorder.training.architectures.transformer import EncoderLayer

    torch.manual_seed(0)
    ours, theirs = (
        EncoderLayer(8, 2),
        torch.nn.TransformerEncoderLayer(
            8, 2, 32, dropout=0.0, batch_first=True, norm_first=True, bias=True
        ),
    )
    theirs.self_attn.in_proj_weight.data = ours.queries_keys_values.weight.data
    theirs.self_attn.out_proj.weight.data = ours.joined.weight.data
    first, inner, _, outer = ours.feed_forward
    for mine, other in (
        (ours.before_attention, theirs.norm1),
        (first, theirs.norm2),
        (inner, theirs.linear1),
        (outer, theirs.linear2),
    ):
        other.load_state_dict(mine.state_dict())
    tokens, padding = torch.randn(3, 5, 8), torch.arange(5) >= torch.tensor([[5], [2], [1]])
    expected = theirs(tokens, src_key_padding_mask=padding)
    there = ~padding
    torch.testing.assert_close(ours(tokens, padding)[there], expected[there], rtol=1e-4, atol=1e-5)


def test_a_transformer_tells_the_order_of_words_and_a_bag_does_not() -> None:
    there = torch.tensor([[4, 9, 2, 7]])
    for name, tells in (("transformer", True), ("bilstm-attention", True)):
        network = seeded(name, TEXT).eval()
        assert torch.allclose(network(there), network(there.flip(1)), atol=1e-4) is not tells
    bag = seeded("bag-of-embeddings", TEXT).eval()
    torch.testing.assert_close(bag(there), bag(there.flip(1)))


def test_positions_are_waves_from_the_shortest_to_the_longest() -> None:
    from learnorder.training.architectures.transformer import positions

    waves = positions(50, 8)
    assert waves.shape == (50, 8)
    torch.testing.assert_close(waves[:, 0], torch.arange(50).sin())
    torch.testing.assert_close(waves[:, 7], (torch.arange(50) / 1000).cos())
    assert positions(5, 7).shape == (5, 7)


@pytest.mark.parametrize("name", TEXT_NAMES)
@pytest.mark.parametrize("train_vectors", [False, True])
def test_given_word_vectors_are_used_and_trained_only_when_asked(
    name: str, train_vectors: bool
) -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    vectors[:2] = 0
    vectors.setflags(write=False)
    network = build(name, TEXT, 3, {"train_vectors": train_vectors}, embedding=vectors)
    before = network.embedding.weight.detach().clone()
    assert np.array_equal(before.numpy(), vectors)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        functional.cross_entropy(network(examples(TEXT)), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
    after = network.embedding.weight.detach()
    assert torch.equal(after, before) is not train_vectors
    assert torch.count_nonzero(after[0]) == 0
    assert np.array_equal(vectors[2:], before.numpy()[2:])


def test_learned_vectors_of_padding_stay_zero() -> None:
    network = build("bag-of-embeddings", TEXT, 3, {})
    optimizer = torch.optim.Adam(network.parameters())
    functional.cross_entropy(network(examples(TEXT)), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    assert torch.count_nonzero(network.embedding.weight[0]) == 0


# learning


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Use one intra-op thread, as workers do: two are slow where the cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def digits_upscaled(size: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(labels))[:n]
    images = np.kron(pixels[chosen].reshape(-1, 1, 8, 8), np.ones((size // 8, size // 8)))
    standard = (images - images.mean()) / images.std()
    return torch.tensor(standard, dtype=torch.float32), torch.tensor(labels[chosen])


DEEPER = ("resnet-20", "vgg-16", "vgg-19", "resnet-18", "resnet-50")
"""More of the same layers as in others; too slow here."""


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", [name for name in IMAGE_NAMES if name not in DEEPER])
def test_learns_digits(name: str) -> None:
    x, y = digits_upscaled(max(8, ENTRIES[name].smallest_image), n=600)
    network = seeded(name, InputShape("image", tuple(x.shape[1:])), **NARROW.get(name, {}))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002)
    # down to 0: at a constant rate the accuracy after the last step is a matter of chance
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=7 * 15)
    for _ in range(7):
        for batch in torch.randperm(450).split(32):
            optimizer.zero_grad()
            functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        accuracy = (network(x[450:]).argmax(1) == y[450:]).float().mean()
    assert accuracy > 0.6


# the table


def test_the_table_imports_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from learnorder.training.architectures import known_architectures, check_architecture\n"
        "from learnorder.training.inputs import encode, load, save\n"
        "print(len(known_architectures()), check_architecture('mlp', {'width': 3}).name)\n"
        "from learnorder.training.architectures import build\n"
        "from learnorder.training.inputs import InputShape\n"
        "try: build('mlp', InputShape('features', (3,)), 2, {})\n"
        "except ValueError as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == [str(len(ENTRIES)), "mlp", "ExtraMissing"]


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_the_table_tells_the_options_of_the_factory(entry: ArchitectureEntry) -> None:
    module, _, function = entry.factory.partition(":")
    parameters = inspect.signature(getattr(importlib.import_module(module), function)).parameters
    from_dataset = {"input_shape", "n_classes", "vocabulary_size", "embedding"}
    declared = {k: p.default for k, p in parameters.items() if k not in from_dataset}
    assert declared == dict(entry.options)
    assert entry.summary
    assert "\n" not in entry.summary


def test_the_names_of_the_design_are_all_there() -> None:
    assert list(ENTRIES) == [
        "linear",
        "deep-linear",
        "mlp",
        "lenet",
        "st-vgg",
        "resnet-8",
        "resnet-20",
        "alexnet",
        "inception",
        "vgg-16",
        "vgg-19",
        "resnet-18",
        "resnet-50",
        "densenet",
        "bag-of-embeddings",
        "bilstm",
        "bilstm-attention",
        "transformer",
        "logistic-regression",
        "linear-svm",
        "k-nn",
        "random-forest",
        "adaboost-stumps",
        "adaboost-linear",
        "gradient-boosting",
    ]


def test_a_learner_is_not_built_as_a_network() -> None:
    fails("'k-nn' is no network and cannot be built", "k-nn", GREY)


# errors of names and options


def fails(message: str, name: str, shape: InputShape = GREY, **options: Any) -> str:
    """Build, and return the one line of the error, which matches."""
    with pytest.raises(LearnOrderError, match=message) as caught:
        build(name, shape, 10, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_architecture_names_the_nearest() -> None:
    assert "nearest known name is 'lenet'" in fails("'lennet' is unknown", "lennet")


def test_unknown_option_names_the_nearest() -> None:
    assert "nearest known name is 'width'" in fails("'mlp' has no option 'widht'", "mlp", widht=3)


def test_option_of_an_architecture_without_options_is_refused() -> None:
    fails("'linear' has no option 'width'. It has no options.", "linear", width=3)


@pytest.mark.parametrize("value", [0, -1, 2.0, "8", True, None])
def test_option_that_is_no_positive_whole_number_is_refused(value: Any) -> None:
    fails(
        "'width' of 'mlp' is .*whole number of at least 1. The default is 256", "mlp", width=value
    )


@pytest.mark.parametrize("value", [0, 1, "yes"])
def test_option_that_is_no_truth_value_is_refused(value: Any) -> None:
    fails("'dropout' of 'st-vgg' is .*true or false", "st-vgg", COLOUR, dropout=value)


def test_text_network_refuses_images_and_names_what_reads_them() -> None:
    line = fails("'bilstm' does not read inputs of kind 'image'", "bilstm")
    assert "lenet" in line
    assert "bag-of-embeddings" not in line.split("one of:")[1]


def test_convolutions_refuse_features() -> None:
    fails("'lenet' does not read inputs of kind 'features'", "lenet", FEATURES)


@pytest.mark.parametrize("name", ["lenet", "st-vgg"])
def test_image_too_small_names_both_sizes(name: str) -> None:
    small = InputShape("image", (1, 15, 28))
    fails(f"'{name}' cannot read images of 15 by 28 pixels. It needs 16 by 16", name, small)


@pytest.mark.parametrize("name", [":", "a:", ":b", "a b:c", "a:b:c", "/tmp/net.py:f", "1a:b"])
def test_malformed_import_string_is_refused_without_import(name: str) -> None:
    with pytest.raises(LearnOrderError, match="is no import string"):
        check_architecture(name, {})


def test_checking_an_import_string_does_not_import_it() -> None:
    assert check_architecture("there.is.no:such", {"anything": 1}) is None


# own networks

OwnModule = Callable[[str], str]
_counter = itertools.count()


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnModule:
    """Write a module with this text and return its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        name = f"own_networks_{next(_counter)}"
        (tmp_path / f"{name}.py").write_text("import torch\nfrom torch import nn\n" + text)
        return name

    return write


WIDE = """
def wide(input_shape, n_classes, width=4):
    n = input_shape[0] * input_shape[1] * input_shape[2]
    layers = [nn.Flatten(), nn.Linear(n, width), nn.Dropout(), nn.Linear(width, n_classes)]
    return nn.Sequential(*layers)
"""


def test_import_string_builds_with_its_options(own_module: OwnModule) -> None:
    network = build(f"{own_module(WIDE)}:wide", GREY, 10, {"width": 6})
    assert n_parameters(network) == 784 * 6 + 6 + 6 * 10 + 10


def test_import_string_may_name_a_class_in_a_class(own_module: OwnModule) -> None:
    module = own_module(
        "class Nets:\n"
        "    class Line(nn.Module):\n"
        "        def __init__(self, input_shape, n_classes):\n"
        "            super().__init__()\n"
        "            self.layer = nn.Linear(input_shape[0], n_classes)\n"
        "        def forward(self, x):\n"
        "            return self.layer(x)\n"
    )
    assert build(f"{module}:Nets.Line", FEATURES, 10, {})(examples(FEATURES)).shape == (4, 10)


def test_import_string_gets_vocabulary_and_vectors_where_it_declares_them(
    own_module: OwnModule,
) -> None:
    module = own_module(
        "def net(input_shape, n_classes, *, embedding, vocabulary_size):\n"
        "    assert embedding.shape[0] == vocabulary_size and input_shape == (12,)\n"
        "    table = nn.Embedding.from_pretrained(torch.from_numpy(embedding))\n"
        "    return nn.Sequential(table, nn.Flatten(), nn.Linear(12 * 5, n_classes))\n"
    )
    vectors = np.zeros((30, 5), np.float32)
    network = build(f"{module}:net", TEXT, 3, {}, embedding=vectors)
    assert network(examples(TEXT)).shape == (4, 3)


def test_own_network_keeps_its_modes_and_the_stream(own_module: OwnModule) -> None:
    module = own_module(
        WIDE + "def partly_frozen(input_shape, n_classes):\n"
        "    network = wide(input_shape, n_classes)\n"
        "    network[1].eval()\n"
        "    network.append(Noise())\n"
        "    return network\n"
        "class Noise(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x + torch.rand(())\n"
    )
    torch.manual_seed(2)
    network = build(f"{module}:partly_frozen", GREY, 10, {})
    after = torch.get_rng_state()
    torch.manual_seed(2)
    build(f"{module}:wide", GREY, 10, {})
    assert torch.equal(torch.get_rng_state(), after)
    assert [m.training for m in network] == [True, False, True, True, True]


@pytest.mark.parametrize(
    ("text", "attribute", "message"),
    [
        ("x = 3", "y", "has no 'y'"),
        (WIDE, "wid", "nearest name there is 'wide'"),
        ("x = 3", "x", "is int, which cannot be called"),
        ("def f(input_shape, n_classes): return 3", "f", "returned int"),
        ("def f(n_classes): pass", "f", "takes no argument 'input_shape'"),
        ("def f(): pass", "f", "takes no argument 'input_shape'"),
        ("def f(input_shape, n_classes, depth): pass", "f", "needs the argument depth"),
        (
            "def f(input_shape, n_classes): 1 / 0",
            "f",
            r"ZeroDivisionError: division by zero\) when",
        ),
        ("raise RuntimeError('two\\nlines')", "f", r"\(RuntimeError: two lines\)"),
        ("def f(:", "f", r"cannot be imported \(SyntaxError"),
        (
            "def f(input_shape, n_classes): return nn.Linear(28, 10)",
            "f",
            r"put out the shape \(2, 1, 28, 10\) for 2 examples and 10 classes",
        ),
        (
            "def f(input_shape, n_classes): return nn.Linear(5, n_classes)",
            "f",
            "RuntimeError: .* when its network was given a batch of shape",
        ),
        (
            "class f(nn.Module):\n"
            "    def __init__(self, input_shape, n_classes): super().__init__()\n"
            "    def forward(self, x): return x.flatten(1)[:, :10].argmax(1)",
            "f",
            "put out torch.int64. It puts out logits",
        ),
        (
            "class f(nn.Module):\n"
            "    def __init__(self, input_shape, n_classes): super().__init__()\n"
            "    def forward(self, x): return x.flatten(1)[:, :10], None",
            "f",
            "put out tuple",
        ),
        (
            "def f(input_shape, n_classes):\n"
            "    network = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))\n"
            "    return network.requires_grad_(False)",
            "f",
            r"no parameter that can be trained \(2 in all\)",
        ),
        (
            "class f(nn.Module):\n"
            "    def __init__(self, input_shape, n_classes): super().__init__()\n"
            "    def forward(self, x): return x.flatten(1)[:, :10]",
            "f",
            r"no parameter that can be trained \(0 in all\)",
        ),
        (
            "def f(input_shape, n_classes):\n"
            "    layers = nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(784, n_classes)\n"
            "    return nn.Sequential(*layers)",
            "f",
            "writes into its input",
        ),
    ],
)
def test_own_network_that_does_not_fit_is_one_line(
    own_module: OwnModule, text: str, attribute: str, message: str
) -> None:
    fails(message, f"{own_module(text)}:{attribute}")


def test_missing_module_is_named_with_what_to_do() -> None:
    line = fails("module 'there_is_no_such' of", "there_is_no_such:net")
    assert "PYTHONPATH" in line


def test_unknown_option_of_an_own_network_names_the_nearest(own_module: OwnModule) -> None:
    line = fails("takes no argument 'widht'", f"{own_module(WIDE)}:wide", widht=3)
    assert "nearest known name is 'width'" in line


@pytest.mark.parametrize("option", ["input_shape", "n_classes", "embedding", "vocabulary_size"])
def test_what_the_dataset_decides_is_no_option(own_module: OwnModule, option: str) -> None:
    fails(f"option '{option}' .*comes from the dataset", f"{own_module(WIDE)}:wide", **{option: 3})


def test_the_cause_of_a_failure_is_kept(own_module: OwnModule) -> None:
    module = own_module("def f(input_shape, n_classes): raise KeyError('k')")
    with pytest.raises(LearnOrderError) as caught:
        build(f"{module}:f", GREY, 10, {})
    assert isinstance(caught.value.__cause__, KeyError)
