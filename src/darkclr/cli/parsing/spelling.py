"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = ["nearest"]


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known name that is most like a word, or has it for its last part; None if none is.

    >>> nearest("--epochs", ["--training.epochs", "--seed"])
    '--training.epochs'
    >>> nearest("trian", ["train", "run"])
    'train'
    >>> nearest("banana", ["train", "run"])
    """
    ending = [name for name in known if name.rpartition(".")[2] == word.lstrip("-")]
    return next(iter(ending or get_close_matches(word, known, n=1, cutoff=0.6)), None)
