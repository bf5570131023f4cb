"""Text to token ids and back, as in T5: a SentencePiece unigram model and 100 sentinels.

The ids are 0 for the pad, 1 for EOS, 2 for unknown text, then those of the pieces, then those of the sentinels. The
sentinels fall: ``<extra_id_0>`` has the last id (T5, ``seqio.SentencePieceVocabulary(extra_ids=100)``). The file on
disk has no sentinels, as T5 publishes it. Only this module imports sentencepiece.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import sentencepiece

from model.config import EOS, PAD, UNK, embedding_rows

SENTINELS = 100  # T5, extra_ids
VOCABULARY_SIZE = 32_000  # T5
THREADS = 16  # SentencePiece's default; no option, since the trained model depends on it
MAX_LINE_BYTES = 4192  # SentencePiece's max_sentence_length; it skips longer lines without a word, so they are cut
COMMAND = "python -m model.train_tokenizer --shards DIR --output DIR/spiece.model"

TOO_LARGE = re.compile(r"Please set it to a value <= (\d+)")
TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")


class Tokenizer:
    """A trained vocabulary. Text that looks like a sentinel or a control symbol stays text."""

    def __init__(self, model: bytes, *, name: str = "the tokenizer", sentinels: int = SENTINELS) -> None:
        self._model = sentencepiece.SentencePieceProcessor()
        try:
            self._model.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise ValueError(f"{name} is no SentencePiece model ({error}): train one, {COMMAND}") from None
        control = (self._model.pad_id(), self._model.eos_id(), self._model.unk_id(), self._model.bos_id())
        if control != (PAD, EOS, UNK, -1):
            raise ValueError(
                f"{name} has pad, eos, unk, bos = {control}, but T5 has (0, 1, 2, -1): train a tokenizer, {COMMAND}"
            )
        self.sentinels = sentinels
        self.pieces: int = self._model.GetPieceSize()
        self.sha256 = hashlib.sha256(model).hexdigest()

    @classmethod
    def load(cls, path: str | Path, *, sentinels: int = SENTINELS) -> Tokenizer:
        """Read a ``spiece.model``."""
        try:
            model = Path(path).read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(f"{path} is not there: train a tokenizer, {COMMAND}") from None
        except IsADirectoryError:
            raise IsADirectoryError(f"{path} is a folder: name the file in it, such as spiece.model") from None
        return cls(model, name=str(path), sentinels=sentinels)

    @property
    def vocab_size(self) -> int:
        """The number of pieces and sentinels."""
        return self.pieces + self.sentinels

    @property
    def padded_vocab_size(self) -> int:
        """The number of rows of the embedding: the size, rounded up to a multiple of 128."""
        return embedding_rows(self.vocab_size)

    def sentinel_id(self, index: int) -> int:
        """The id of ``<extra_id_index>``."""
        if not 0 <= index < self.sentinels:
            raise ValueError(f"there is no sentinel {index}: this vocabulary has {self.sentinels}, counted from 0")
        return self.vocab_size - 1 - index

    def is_sentinel(self, token: int) -> bool:
        """True if the id is that of a sentinel."""
        return self.pieces <= token < self.vocab_size

    def encode(self, text: str) -> list[int]:
        """The ids of the text, without EOS. No text gives a sentinel, a pad or an EOS."""
        ids: list[int] = self._model.EncodeAsIds(text)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text up to the first EOS, without padding; sentinels appear as ``<extra_id_0>``."""
        parts: list[str] = []
        for sentinel, tokens in groupby(until_eos(ids), key=self.is_sentinel):
            run = list(tokens)
            parts += [f"<extra_id_{self.vocab_size - 1 - i}>" for i in run] if sentinel else [self._text(run)]
        return " ".join(part for part in parts if part)

    def _text(self, ids: Iterable[int]) -> str:
        """The text of ids without sentinels; an id without a piece appears as unknown."""
        text: str = self._model.DecodeIds([token if token < self.pieces else UNK for token in ids])
        return text


def until_eos(ids: Iterable[int]) -> Iterator[int]:
    """The ids before the first EOS, without padding."""
    for token in ids:
        if token == EOS:
            return
        if token != PAD:
            yield int(token)


def train(texts: Iterable[str], *, vocab_size: int = VOCABULARY_SIZE) -> bytes:
    """A SentencePiece unigram model of the texts, in T5's layout; equal texts in equal order give equal bytes.

    All other settings are SentencePiece's defaults, as for T5's own vocabulary: nmt_nfkc normalization, character
    coverage 0.9995, no byte fallback.
    """
    lines = (part for text in texts for line in text.split("\n") for part in cut(line, max_bytes=MAX_LINE_BYTES))
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=lines,
            model_writer=model,
            model_type="unigram",
            vocab_size=vocab_size,
            pad_id=PAD,
            eos_id=EOS,
            unk_id=UNK,
            bos_id=-1,
            shuffle_input_sentence=False,
            input_sentence_size=0,  # no sampling: the caller has chosen the texts
            max_sentence_length=MAX_LINE_BYTES,
            num_threads=THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(reason(str(error), vocab_size)) from None
    return model.getvalue()


def reason(message: str, vocab_size: int) -> str:
    """The message of SentencePiece, as an error line with a remedy."""
    if limit := TOO_LARGE.search(message):
        return f"a vocabulary of {vocab_size} is too large for this text: the largest possible is {limit[1]}"
    if limit := TOO_SMALL.search(message):
        return f"a vocabulary of {vocab_size} is too small for the letters of this text: take more than {limit[1]}"
    if "sentences_.empty()" in message:
        return "the texts to train the tokenizer on are empty: give other shards"
    return f"SentencePiece could not train: {message}"


def cut(line: str, *, max_bytes: int) -> Iterator[str]:
    """The line in pieces of at most ``max_bytes`` of UTF-8, cut before a space where there is one."""
    data, start = line.encode(), 0
    while len(data) - start > max_bytes:
        window = data[start : start + max_bytes]
        space = window.rfind(b" ", 1)
        end = space if space > 0 else len(window.decode(errors="ignore").encode())  # never inside a character
        yield window[:end].decode()
        start += end
    yield data[start:].decode()
