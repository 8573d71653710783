"""Networks that read token ids; what follows the end of a text never changes the logits.

Word vectors that come with the dataset stay as they are unless ``train_vectors``. Without them
vectors of length ``embedding_dim`` are always learned. The vector of padding stays zero.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from learnorder.training.tokens import PADDING_ID


def bag_of_embeddings(
    input_shape: tuple[int, ...],
    n_classes: int,
    vocabulary_size: int,
    embedding: NDArray[np.float32] | None = None,
    embedding_dim: int = 100,
    train_vectors: bool = False,
) -> nn.Module:
    """Return the mean of the vectors of a text's tokens, and a linear layer.

    References
    ----------
    joulin2017bag, without n-grams.
    """
    return BagOfEmbeddings(
        _embedding(vocabulary_size, embedding, embedding_dim, train_vectors), n_classes
    )


def bilstm(
    input_shape: tuple[int, ...],
    n_classes: int,
    vocabulary_size: int,
    embedding: NDArray[np.float32] | None = None,
    embedding_dim: int = 100,
    hidden: int = 64,
    train_vectors: bool = False,
) -> nn.Module:
    """Return one bidirectional LSTM layer, the last states of both directions, a linear layer.

    References
    ----------
    graves2005framewise.
    """
    return BiLSTM(
        _embedding(vocabulary_size, embedding, embedding_dim, train_vectors), hidden, n_classes
    )


class BagOfEmbeddings(nn.Module):
    """Mean word vector, then a linear layer."""

    def __init__(self, embedding: nn.Embedding, n_classes: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.output = nn.Linear(embedding.embedding_dim, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids ``(n, token)`` to logits ``(n, class)``."""
        total = self.embedding(ids).sum(1)
        mean = total / _lengths(ids).unsqueeze(1)
        return self.output(mean)  # type: ignore[no-any-return]


class BiLSTM(nn.Module):
    """Last states of an LSTM in each direction, then a linear layer.

    Each direction is an LSTM of its own, the second over the reversed text: on CPU the fused kernel
    for whole batches is several times faster than the one for packed sequences.
    """

    def __init__(self, embedding: nn.Embedding, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.forwards = nn.LSTM(embedding.embedding_dim, hidden, batch_first=True)
        self.backwards = nn.LSTM(embedding.embedding_dim, hidden, batch_first=True)
        self.output = nn.Linear(2 * hidden, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids ``(n, token)`` to logits ``(n, class)``."""
        last_token = _lengths(ids) - 1
        rows, places = (torch.arange(n, device=ids.device) for n in ids.shape)
        from_last = (last_token[:, None] - places).clamp(min=0)
        texts, texts_reversed = self.embedding(ids), self.embedding(ids.gather(1, from_last))
        last = [
            lstm(vectors)[0][rows, last_token]
            for lstm, vectors in ((self.forwards, texts), (self.backwards, texts_reversed))
        ]
        return self.output(torch.cat(last, dim=1))  # type: ignore[no-any-return]


def _lengths(ids: torch.Tensor) -> torch.Tensor:
    """Tokens of each text; 1 for one without any, whose only vector is then that of padding."""
    return (ids != PADDING_ID).sum(1).clamp(min=1)


def _embedding(
    vocabulary_size: int,
    vectors: NDArray[np.float32] | None,
    dimension: int,
    train_vectors: bool,
) -> nn.Embedding:
    if vectors is None:
        return nn.Embedding(vocabulary_size, dimension, padding_idx=PADDING_ID)
    given: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.from_numpy(vectors), freeze=not train_vectors, padding_idx=PADDING_ID
    )
    return given
