"""A small Transformer encoder that reads token ids."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from learnorder.errors import LearnOrderError
from learnorder.training.architectures.text import is_padding, text_lengths, word_vectors

_LONGEST_WAVE = 10_000.0
"""Of the positions, in multiples of the shortest, as in vaswani2017attention."""


def transformer(
    input_shape: tuple[int, ...],
    n_classes: int,
    vocabulary_size: int,
    embedding: NDArray[np.float32] | None = None,
    embedding_dim: int = 100,
    width: int = 64,
    depth: int = 2,
    heads: int = 4,
    train_vectors: bool = False,
) -> nn.Module:
    """Return ``depth`` layers of self-attention and feed-forward, the mean over tokens, the output.

    Raises
    ------
    LearnOrderError
        ``width`` is no multiple of ``heads``.

    References
    ----------
    vaswani2017attention, the encoder, with sinusoidal positions; normalised before each part.
    """
    if width % heads:
        raise LearnOrderError(
            f"architecture: option 'width' of 'transformer' is {width}, and 'heads' is {heads}. "
            "Each head reads an equal share of the width. "
            f"Use a width of {-(-width // heads) * heads}, or other heads."
        )
    vectors = word_vectors(vocabulary_size, embedding, embedding_dim, train_vectors)
    return Transformer(vectors, n_classes, width, depth, heads)


class Transformer(nn.Module):
    """Word vectors and positions, encoder layers, the mean over the tokens, a linear layer."""

    def __init__(
        self, embedding: nn.Embedding, n_classes: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.input = nn.Linear(embedding.embedding_dim, width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(depth))
        self.normalisation = nn.LayerNorm(width)
        self.output = nn.Linear(width, n_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids ``(n, token)`` to logits ``(n, class)``."""
        lengths = text_lengths(ids)
        padding = is_padding(ids, lengths)
        tokens = self.input(self.embedding(ids))
        tokens = tokens + positions(*tokens.shape[1:]).to(tokens)
        for layer in self.layers:
            tokens = layer(tokens, padding)
        tokens = self.normalisation(tokens).masked_fill(padding[:, :, None], 0)
        return self.output(tokens.sum(1) / lengths[:, None])  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Self-attention, then two dense layers on each token, each added to what it reads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.joined = nn.Linear(width, width, bias=False)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.ReLU(inplace=True),
            nn.Linear(4 * width, width),
        )

    def forward(self, tokens: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        """Map ``(n, token, width)`` to the same; nothing is read where there is padding."""
        tokens = tokens + self._attention(self.before_attention(tokens), padding)
        return tokens + self.feed_forward(tokens)  # type: ignore[no-any-return]

    def _attention(self, tokens: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        n, length, width = tokens.shape
        by_head = self.queries_keys_values(tokens).view(n, length, 3, self.heads, -1)
        queries, keys, values = by_head.permute(2, 0, 3, 1, 4)
        scores = queries @ keys.transpose(2, 3) / (width // self.heads) ** 0.5
        weights = scores.masked_fill(padding[:, None, None], -torch.inf).softmax(3)
        read = (weights @ values).transpose(1, 2).reshape(n, length, width)
        return self.joined(read)  # type: ignore[no-any-return]


def positions(n_tokens: int, width: int) -> torch.Tensor:
    """Waves ``(n_tokens, width)``: the sines of all lengths, then the cosines."""
    n_waves = -(-width // 2)
    frequencies = _LONGEST_WAVE ** (-torch.arange(n_waves) / n_waves)
    angles = torch.arange(n_tokens)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
