"""What a user would write instead: replicates of a small network, predicted after every epoch.

Nothing of the product is imported here. The last line it prints is JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def read_images(path: Path, n: int) -> torch.Tensor:
    with gzip.open(path) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(pixels.reshape(-1, 1, 28, 28)[:n].astype(np.float32) / 255)


def read_labels(path: Path, n: int) -> torch.Tensor:
    with gzip.open(path) as file:
        return torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=8)[:n].astype(np.int64))


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def predict(net: nn.Module, loader: DataLoader) -> np.ndarray:
    net.eval()
    with torch.no_grad():
        return torch.cat([net(images).argmax(1) for images, _ in loader]).numpy().astype(np.uint8)


def train(net: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> None:
    net.train()
    loss_of = nn.CrossEntropyLoss()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = loss_of(net(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the idx files")
    parser.add_argument("--out", type=Path, required=True, help="where the predictions go")
    for name in ("--seeds", "--epochs", "--train", "--test"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))

    train_images = read_images(given.data / "train-images-idx3-ubyte.gz", given.train)
    train_labels = read_labels(given.data / "train-labels-idx1-ubyte.gz", given.train)
    test_images = read_images(given.data / "t10k-images-idx3-ubyte.gz", given.test)
    test_labels = read_labels(given.data / "t10k-labels-idx1-ubyte.gz", given.test)
    mean, std = train_images.mean(), train_images.std()
    train_set = TensorDataset((train_images - mean) / std, train_labels)
    test_set = TensorDataset((test_images - mean) / std, test_labels)
    shuffled = DataLoader(train_set, batch_size=128, shuffle=True)
    in_order = {
        "train": DataLoader(train_set, batch_size=128),
        "test": DataLoader(test_set, batch_size=128),
    }

    right = []
    for seed in range(given.seeds):
        torch.manual_seed(seed)
        net = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
        kept: dict[str, list[np.ndarray]] = {name: [] for name in in_order}
        for _ in range(given.epochs):
            train(net, shuffled, optimizer)
            for name, loader in in_order.items():
                kept[name].append(predict(net, loader))
        for name, predictions in kept.items():
            np.save(given.out / f"{name}-{seed}.npy", np.stack(predictions))
        right.append(float((kept["test"][-1] == test_labels.numpy()).mean()))
    print(json.dumps({"accuracy": sum(right) / len(right)}))


if __name__ == "__main__":
    main()
