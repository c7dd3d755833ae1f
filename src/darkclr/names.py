"""Names that somebody chose: how they are shown, what files they become, and which was meant."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from darkclr.errors import ConfigError, DarkclrError, InputError

__all__ = [
    "P_VALUE",
    "check_file_names",
    "check_printable",
    "did_you_mean",
    "file_name",
    "nearest",
    "visible",
]

#: Before the name of a score: the column of its p-values.
P_VALUE = "p_value_"

_LONGEST = 150  # bytes, so that there is room for a suffix and a temporary name


def visible(text: object) -> str:
    """The text as it may go to a terminal: what would steer it is written out.

    >>> visible("qcd \\x1b[31m")
    'qcd \\\\x1b[31m'
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def check_printable(
    names: Iterable[str], where: object, error: type[DarkclrError] = InputError
) -> None:
    """Refuse names with control characters, and names of endless length.

    Raises:
        InputError: or ``error``, for the first of them.
    """
    for name in names:
        if not name.isprintable() or len(name) > 1000:
            raise error(
                f"the name {name[:50]!r} holds control characters"
                if not name.isprintable()
                else f"the name {name[:50]!r}... has {len(name)} characters",
                where=where,
                fix="rename it",
            )


def check_file_names(
    names: Iterable[str], where: object, error: type[DarkclrError] = ConfigError
) -> None:
    """Refuse names that cannot be those of a file or folder beside others.

    Raises:
        ConfigError: or ``error``: an empty name, one that begins with a dot or a dash, one with a
            slash, backslash or control characters, or a very long one.
    """
    for name in names:
        if (
            not name
            or name[0] in ".-"
            or {"/", "\\"} & set(name)
            or not name.isprintable()
            or len(name.encode()) > _LONGEST
        ):
            raise error(
                f"{name[:200]!r} cannot be the name of a file",
                where=where,
                fix="take letters, digits and underscores",
            )


def file_name(name: str) -> str:
    """A name of a file, without suffix, for any name; two names never have the same.

    >>> file_name("score_nae"), file_name("../../nae")
    ('score_nae', '_.._nae-d9204726')
    """
    plain = re.sub(r"[^\w+=,@. -]|^[-.\s]+", "_", name)
    plain = re.sub("__+", "_", plain) if plain != name else plain
    if plain == name and len(name.encode()) <= _LONGEST and name.strip():
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain.encode()[:100].decode(errors='ignore') or '_'}-{digest}"


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


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """How to fix a name that is not known: the nearest one, or what is said where none is near.

    >>> did_you_mean("quik", ["quick", "hour"])
    'did you mean quick?'
    >>> did_you_mean("banana", ["quick", "hour"])
    'choose of quick, hour'
    """
    names = list(known)
    if (meant := nearest(word, names)) is not None:
        return f"did you mean {meant}?"
    return f"choose of {', '.join(names)}" if otherwise is None else otherwise
