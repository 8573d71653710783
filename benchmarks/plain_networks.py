"""The networks as a user writes them: PyTorch's own layers, in the order of their definition.

The product computes the same functions with layers of its own where these are quicker. The peer
gets the same initial weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from learnorder.training.tokens import PADDING_ID


def as_a_user_writes(name: str, network: nn.Module, side: int) -> nn.Module:
    """Return the plain form of one of the product's networks, with its weights.

    Parameters
    ----------
    name
        Architecture.
    network
        What the product built; its weights are copied.
    side
        Pixels along one side of an image.
    """
    make = _PLAIN.get(name)
    if make is None:  # linear and mlp are PyTorch's own layers already
        return network
    plain = make(network, side)
    own, theirs = plain.state_dict(), network.state_dict()
    plain.load_state_dict(dict(zip(own, theirs.values(), strict=True)))
    return plain


def _lenet(network: nn.Module, side: int) -> nn.Module:
    channels, n_classes = _ends(network)
    left = ((side - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * left * left, 128),
        nn.ReLU(),
        nn.Linear(128, n_classes),
    )


def _st_vgg(network: nn.Module, side: int) -> nn.Module:
    channels, n_classes = _ends(network)
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in [(channels, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 2)]:
        for channels in (inputs, outputs):
            layers += [nn.ZeroPad2d((0, 1, 0, 1))] if kernel == 2 else []
            layers += [nn.Conv2d(channels, outputs, kernel, padding=kernel // 3), nn.ELU()]
        layers += [nn.MaxPool2d(2), nn.Dropout(0.25)]
    layers += [nn.Flatten(), nn.Linear(256 * (side // 16) ** 2, 512), nn.ELU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(512, n_classes))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out)) + self.shortcut(x)
        return functional.relu(out)


def _resnet_8(network: nn.Module, side: int) -> nn.Module:
    channels, n_classes = _ends(network)
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        _Block(16, 16, 1),
        _Block(16, 32, 2),
        _Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, n_classes),
    )


class _BiLSTM(nn.Module):
    """One bidirectional layer over whole texts, its last hidden states, as tutorials have it.

    It reads the padding of short texts too, so there its numbers are others than the product's. One
    that stops at the last token, over packed sequences, takes several times as long.
    """

    def __init__(self, embedding: nn.Embedding, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.lstm = nn.LSTM(embedding.embedding_dim, hidden, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * hidden, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        _, (last, _) = self.lstm(self.embedding(ids))
        return self.output(torch.cat([last[0], last[1]], dim=1))


def _bilstm(network: nn.Module, side: int) -> nn.Module:
    embedding, output = network.embedding, network.output
    hidden, n_classes = output.in_features // 2, output.out_features
    frozen = nn.Embedding.from_pretrained(
        embedding.weight.detach().clone(), freeze=True, padding_idx=PADDING_ID
    )
    return _BiLSTM(frozen, hidden, n_classes)


def _ends(network: nn.Module) -> tuple[int, int]:
    """Channels that come in and classes that go out."""
    shapes = [p.shape for p in network.parameters()]
    return shapes[0][1], shapes[-1][0]


_PLAIN: dict[str, Callable[[nn.Module, int], nn.Module]] = {
    "lenet": _lenet,
    "st-vgg": _st_vgg,
    "resnet-8": _resnet_8,
    "bilstm": _bilstm,
}
