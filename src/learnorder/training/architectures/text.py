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
        word_vectors(vocabulary_size, embedding, embedding_dim, train_vectors), n_classes
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
        word_vectors(vocabulary_size, embedding, embedding_dim, train_vectors), hidden, n_classes
    )


def bilstm_attention(
    input_shape: tuple[int, ...],
    n_classes: int,
    vocabulary_size: int,
    embedding: NDArray[np.float32] | None = None,
    embedding_dim: int = 100,
    hidden: int = 64,
    train_vectors: bool = False,
) -> nn.Module:
    """Return one bidirectional LSTM layer, additive attention over its states, a linear layer.

    References
    ----------
    bahdanau2015neural for the scores, zhou2016attention for their use on a single text.
    """
    return BiLSTMAttention(
        word_vectors(vocabulary_size, embedding, embedding_dim, train_vectors), hidden, n_classes
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
        mean = total / text_lengths(ids).unsqueeze(1)
        return self.output(mean)  # type: ignore[no-any-return]


class _TwoLSTMs(nn.Module):
    """An LSTM in each direction.

    Each direction is an LSTM of its own, the second over the reversed text: on CPU the fused kernel
    for whole batches is several times faster than the one for packed sequences.
    """

    def __init__(self, embedding: nn.Embedding, hidden: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.forwards = nn.LSTM(embedding.embedding_dim, hidden, batch_first=True)
        self.backwards = nn.LSTM(embedding.embedding_dim, hidden, batch_first=True)

    def states(self, ids: torch.Tensor, from_last: torch.Tensor) -> list[torch.Tensor]:
        """States ``(n, token, hidden)`` of both, the second in the order in which it reads."""
        texts, texts_reversed = self.embedding(ids), self.embedding(ids.gather(1, from_last))
        return [self.forwards(texts)[0], self.backwards(texts_reversed)[0]]


class BiLSTM(_TwoLSTMs):
    """Last states of an LSTM in each direction, then a linear layer."""

    def __init__(self, embedding: nn.Embedding, hidden: int, n_classes: int) -> None:
        super().__init__(embedding, hidden)
        self.output = nn.Linear(2 * hidden, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids ``(n, token)`` to logits ``(n, class)``."""
        last_token = text_lengths(ids) - 1
        rows = torch.arange(len(ids), device=ids.device)
        states = self.states(ids, _places_from(last_token, ids))
        last = torch.cat([of_one[rows, last_token] for of_one in states], dim=1)
        return self.output(last)  # type: ignore[no-any-return]


class BiLSTMAttention(_TwoLSTMs):
    """Mean of the states of both directions, weighted by a score of each, then a linear layer.

    The score of a state h is ``v . tanh(W h + b)``; weights are the softmax of the scores over the
    tokens of a text.
    """

    def __init__(self, embedding: nn.Embedding, hidden: int, n_classes: int) -> None:
        super().__init__(embedding, hidden)
        self.attended = nn.Linear(2 * hidden, 2 * hidden)
        # a summand of all scores would change no weight
        self.score = nn.Linear(2 * hidden, 1, bias=False)
        self.output = nn.Linear(2 * hidden, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids ``(n, token)`` to logits ``(n, class)``."""
        lengths = text_lengths(ids)
        from_last = _places_from(lengths - 1, ids)
        forwards, backwards = self.states(ids, from_last)
        # read from its end, the second direction stands at each token in the order of the text
        backwards = backwards.gather(1, from_last[:, :, None].expand_as(backwards))
        states = torch.cat([forwards, backwards], dim=2)
        scores = self.score(torch.tanh(self.attended(states))).squeeze(2)
        weights = torch.softmax(scores.masked_fill(is_padding(ids, lengths), -torch.inf), dim=1)
        attended = torch.bmm(weights[:, None], states).squeeze(1)
        return self.output(attended)  # type: ignore[no-any-return]


def _places_from(last_token: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Place of each token ``(n, token)`` counted from the end of its text; 0 beyond it."""
    places = torch.arange(ids.shape[1], device=ids.device)
    return (last_token[:, None] - places).clamp(min=0)


def is_padding(ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Whether each place ``(n, token)`` lies beyond the end of its text."""
    return torch.arange(ids.shape[1], device=ids.device) >= lengths[:, None]


def text_lengths(ids: torch.Tensor) -> torch.Tensor:
    """Tokens of each text; 1 for one without any, whose only vector is then that of padding."""
    return (ids != PADDING_ID).sum(1).clamp(min=1)


def word_vectors(
    vocabulary_size: int,
    vectors: NDArray[np.float32] | None,
    dimension: int,
    train_vectors: bool,
) -> nn.Embedding:
    """Layer of the given vectors, or of new ones of this dimension, which are always trained."""
    if vectors is None:
        return nn.Embedding(vocabulary_size, dimension, padding_idx=PADDING_ID)
    given: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.from_numpy(vectors), freeze=not train_vectors, padding_idx=PADDING_ID
    )
    return given
