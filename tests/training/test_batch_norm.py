"""Statistics are those of the present weights; training does not notice that they were taken."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from learnorder.errors import LearnOrderError
from learnorder.training.architectures import build
from learnorder.training.batch_norm import (
    batches,
    check,
    reestimated,
    statistics_for_predictions,
)
from learnorder.training.inputs import InputShape
from learnorder.training.spec import TrainingSpec

IMAGES = torch.randn((40, 3, 8, 8), generator=torch.Generator().manual_seed(0)) * 3 + 1


def spec(architecture="resnet-8", batch_size=8, **recording):
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": architecture},
            "training": {"batch_size": batch_size},
            "recording": recording,
        }
    )


def small() -> nn.Sequential:
    """A normalisation of the input itself, dropout, and one normalisation after it."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(192, 5), nn.BatchNorm1d(5)
    )


def resnet() -> nn.Sequential:
    torch.manual_seed(2)
    network = build("resnet-8", InputShape("image", (3, 8, 8)), 4, {})
    assert isinstance(network, nn.Sequential)
    return network


def everything(network: nn.Module) -> list[object]:
    """Weights and statistics as bytes, modes, momenta."""
    arrays = [t.numpy().tobytes() for t in network.state_dict().values()]
    modules = list(network.modules())
    return [*arrays, [m.training for m in modules], [getattr(m, "momentum", 0) for m in modules]]


def train(network: nn.Module, n_steps: int, *, looking: bool) -> None:
    """Train a few steps; with ``looking`` predict on re-estimated statistics after each."""
    optimizer = torch.optim.SGD(network.parameters(), 0.05, 0.9)
    torch.manual_seed(3)
    for step in range(n_steps):
        network.train()
        optimizer.zero_grad()
        network(IMAGES[step * 4 : step * 4 + 8]).square().mean().backward()
        optimizer.step()
        if looking:
            with torch.inference_mode(), reestimated(network, batches(IMAGES, 30)):
                network(IMAGES)


def test_statistics_are_the_mean_over_the_batches_with_unbiased_variance():
    network = small()
    parts = IMAGES[:30].split(10)
    with reestimated(network, parts):
        first = network[0]
        means = torch.stack([part.mean((0, 2, 3)) for part in parts])
        variances = torch.stack([part.var((0, 2, 3), unbiased=True) for part in parts])
        torch.testing.assert_close(first.running_mean, means.mean(0))
        torch.testing.assert_close(first.running_var, variances.mean(0))


def test_dropout_is_off_while_statistics_are_taken():
    network = small()
    parts = IMAGES[:30].split(30)
    with reestimated(network, parts):
        linear = network[3](network[2](first := batch_normalised(parts[0])))
        assert first.shape == parts[0].shape
        torch.testing.assert_close(network[4].running_mean, linear.mean(0), rtol=1e-4, atol=1e-5)
        assert not any(module.training for module in network.modules())


def batch_normalised(images: torch.Tensor) -> torch.Tensor:
    return nn.functional.batch_norm(images, None, None, training=True)


@pytest.mark.parametrize("make", [small, resnet])
def test_afterwards_everything_is_as_it_was_bit_for_bit(make):
    network = make()
    train(network, 3, looking=False)
    network.train()
    network[0].eval()
    before = everything(network)
    with reestimated(network, batches(IMAGES, 30)):
        assert everything(network) != before
    assert everything(network) == before
    with pytest.raises(KeyError), reestimated(network, batches(IMAGES, 30)):
        raise KeyError
    assert everything(network) == before


@pytest.mark.parametrize("make", [small, resnet])
def test_training_goes_on_as_if_nothing_had_happened(make):
    plain, watched = make(), make()
    train(plain, 5, looking=False)
    train(watched, 5, looking=True)
    assert everything(plain)[:-2] == everything(watched)[:-2]


def test_predictions_do_not_depend_on_running_statistics():
    network = resnet()
    with torch.inference_mode(), reestimated(network, batches(IMAGES, 30)):
        first = network(IMAGES)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.add_(100)
    with torch.inference_mode(), reestimated(network, batches(IMAGES, 30)):
        assert torch.equal(network(IMAGES), first)


def test_layers_that_do_not_move_in_training_keep_their_statistics():
    class Frozen(nn.BatchNorm2d):
        def train(self, mode: bool = True) -> Frozen:
            return super().train(False)

    network = nn.Sequential(Frozen(3), nn.BatchNorm2d(3, track_running_stats=False))
    network.append(nn.InstanceNorm2d(3, track_running_stats=True))
    before = [t.clone() for t in network.buffers()]
    with reestimated(network, [IMAGES]):
        assert all(torch.equal(a, b) for a, b in zip(network.buffers(), before, strict=True))


@pytest.mark.parametrize(
    ("n", "wanted", "sizes"),
    [
        (1200, 2000, [400, 400, 400]),
        (1001, 2000, [334, 334, 333]),
        (3000, 501, [251, 250]),
        (3000, 500, [500]),
        (40, 3, [3]),
    ],
)
def test_batches_are_equal_in_size_and_none_holds_a_single_example(n, wanted, sizes):
    inputs = torch.arange(n)[:, None]
    parts = list(batches(inputs, wanted))
    assert [len(part) for part in parts] == sizes
    drawn = torch.cat(parts)[:, 0].tolist()
    assert len(set(drawn)) == len(drawn)
    assert drawn != sorted(drawn)


def test_the_examples_are_the_same_every_time_and_no_stream_notices():
    torch.manual_seed(4)
    before = torch.get_rng_state()
    first, again = (torch.cat(list(batches(IMAGES, 9))) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)


def test_running_statistics_are_left_alone_unless_asked():
    network = small().eval()
    before = everything(network)
    with statistics_for_predictions(spec(), network, IMAGES):
        assert everything(network) == before
    with statistics_for_predictions(spec(batch_norm="reestimated"), network, IMAGES):
        assert everything(network) != before


# what cannot be trained


@pytest.mark.parametrize(
    ("n", "size", "advice"), [(41, 8, 7), (17, 16, 15), (40, 1, 2), (3, 2, 3), (9, 4, 3)]
)
def test_batch_of_one_example_names_a_size_that_leaves_none(n, size, advice):
    with pytest.raises(LearnOrderError, match=f"training.batch_size = {advice}\\.$") as raised:
        check(spec(batch_size=size), small(), n)
    assert "layers, the first is '0'" in str(raised.value)
    check(spec(batch_size=advice), small(), n)


def test_batch_of_one_is_for_networks_without_normalisation():
    check(spec(batch_size=8), nn.Linear(3, 3), 41)
    check(spec(batch_size=1), nn.Linear(3, 3), 41)
    check(spec(batch_size=8), small(), 42)


def test_nothing_to_reestimate_is_refused():
    network = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    with pytest.raises(LearnOrderError, match="'reestimated' and the network of 'mlp' has no"):
        check(spec("mlp", batch_norm="reestimated"), network, 40)
    check(spec("mlp"), network, 40)


def test_checking_leaves_modes_alone():
    network = small()
    network[1].eval()
    modes = [module.training for module in network.modules()]
    check(spec(), network, 40)
    assert [module.training for module in network.modules()] == modes
