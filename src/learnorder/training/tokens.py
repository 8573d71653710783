"""Texts as token ids: one tokeniser pipeline, and a vocabulary from the training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import WordVectors
from learnorder.errors import ExtraMissing, LearnOrderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING_ID: Final = 0
"""Token id of the positions after the end of a text."""

UNKNOWN_ID: Final = 1
"""Token id of every word outside the vocabulary, and of the only token of an empty text."""

_RESERVED: Final = ("[PAD]", "[UNK]")
"""Names of the two ids above; no text yields them, because brackets are split off."""

_TEXTS_AT_A_TIME: Final = 1000
"""A tokenised text is far larger than its ids, so only this many exist at once."""

_NO_LIMIT: Final = 2**31


@dataclass(frozen=True)
class Vocabulary:
    """The known words: ``words[i]`` has the token id ``i + 2``.

    Attributes
    ----------
    words
        Most frequent first, ties in alphabetical order.
    embedding
        float32 ``(token id, dimension)``, or None; the rows of padding and unknown are zeros.
    """

    words: tuple[str, ...]
    embedding: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Number of token ids, padding and unknown included."""
        return len(self.words) + len(_RESERVED)


def checked_texts(texts: NDArray[Any], split: str) -> list[str]:
    """Texts of a split as a list.

    Raises
    ------
    LearnOrderError
        An input is no text, or holds characters that no encoding can write.
    """
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise LearnOrderError(
                f"encode: input {position} of split {split!r} is {type(text).__name__}, not a "
                "text. Inputs of a text dataset are str. Remove or replace it."
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise LearnOrderError(
                f"encode: text {position} of split {split!r} has half a surrogate pair at "
                f"character {error.start}. Texts are valid Unicode. Decode the source again."
            ) from error
    return list(texts)


def build_vocabulary(texts: Sequence[str], vectors: WordVectors | None, limit: int) -> Vocabulary:
    """Vocabulary of the training texts.

    With vectors: every word that occurs in the texts and has a vector, whatever the limit. A word
    given twice has its first vector. Without: the ``limit`` most frequent words.

    Raises
    ------
    LearnOrderError
        No word of the texts has a vector.
    """
    if vectors is None:
        return Vocabulary(_frequent_words(texts, limit))
    row = {word: i for i, word in reversed(list(enumerate(vectors.words)))}
    words = tuple(word for word in _frequent_words(texts, _NO_LIMIT) if word in row)
    if not words:
        raise LearnOrderError(
            f"encode: none of the {len(row)} words with vectors occurs in the training split. "
            "Texts are split into lower-case words without accents. Use vectors of such words."
        )
    known = vectors.vectors[[row[word] for word in words]].astype(np.float32)
    reserved = np.zeros((len(_RESERVED), known.shape[1]), np.float32)
    return Vocabulary(words, np.concatenate([reserved, known]))


def token_ids(texts: Sequence[str], vocabulary: Vocabulary, max_tokens: int) -> NDArray[np.int32]:
    """First token ids of every text, int32 ``(text, token)``, padded at the end."""
    tokenizer = _tokenizer((*_RESERVED, *vocabulary.words))
    tokenizer.enable_truncation(max_tokens)
    ids = np.full((len(texts), max_tokens), PADDING_ID, np.int32)
    ids[:, 0] = UNKNOWN_ID
    for start in range(0, len(texts), _TEXTS_AT_A_TIME):
        block = tokenizer.encode_batch_fast(list(texts[start : start + _TEXTS_AT_A_TIME]))
        for position, encoded in enumerate(block, start):
            ids[position, : len(encoded.ids)] = encoded.ids
    return ids


def _frequent_words(texts: Sequence[str], limit: int) -> tuple[str, ...]:
    """Most frequent words first; ties in alphabetical order, so that the result is one."""
    tokenizer = _tokenizer(_RESERVED)

    from tokenizers import trainers

    trainer = trainers.WordLevelTrainer(
        vocab_size=limit, min_frequency=0, special_tokens=[], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    ranks = tokenizer.get_vocab()
    return tuple(sorted(ranks, key=ranks.__getitem__))


def _tokenizer(words: Sequence[str]) -> Tokenizer:
    """Lower case without accents, split at whitespace and around each punctuation character."""
    try:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    except ImportError as error:
        raise ExtraMissing(
            "encode: texts need the package tokenizers, which is not installed. "
            "It comes with the extra 'train'. Install it with `pip install 'learnorder[train]'`."
        ) from error
    ids = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=_RESERVED[UNKNOWN_ID]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
    )
    return tokenizer
