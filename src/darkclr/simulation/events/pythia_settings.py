"""Which settings Pythia may be given: numbers and switches, and none that names a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from darkclr.errors import ConfigError

__all__ = ["check_settings"]

_SETTING = re.compile(r"(?P<name>[^\s=:{}]+:[^\s={}]+)(?:\s*=\s*|\s+)(?P<value>.*)")
_PARTICLE = re.compile(r"\d+(:[^{}]*)[^{}]*")
_COMMENT = re.compile(r"\s*[!#].*|\s//.*")
# What Pythia reads as a flag, a number or a list of them.
_WORD = r"(?:on|off|yes|no|ok|true|false|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_VALUE = re.compile(rf"{_WORD}|\{{\s*(?:{_WORD}(?:\s*,\s*|\s+|(?=\s*\}})))*\s*\}}", re.IGNORECASE)
# The settings of Pythia 8.3 that take words and name neither files nor libraries.
_TEXTS = re.compile(
    r"(DeuteronProduction:(channels|parms)|EnhancedSplittings:List|UncertaintyBands:List"
    r"|VariationFrag:list|Merging:Process)",
    re.IGNORECASE,
)
# Those that name files or libraries, or read or write files whose names have a default. They are
# all those of type word or wvec in Pythia's documentation (share/Pythia8/xmldoc) except the ones
# above, PDF:*Set, which is a number or a file of LHAPDF, and the spare words; and their switches.
_FILES = re.compile(
    r".*((?<!pro)file|plugin|reuse|path)|Alpgen:file|LHAHDF5:.*|Parallelism:.*|Tune:preferLHAPDF"
    r"|Beams:(frameType|LHEF|LHEFheader)|Weights:prefix",
    re.IGNORECASE,
)


def check_settings(settings: Sequence[str]) -> None:
    """Refuse what would make Pythia load a library, or read or write a file.

    Pythia loads libraries that ``Init:plugins`` names, reads what ``include`` names, and prints
    what it does not understand of it: settings come with configurations of strangers.

    Raises:
        ConfigError: a line is no setting, or one that names a file, a library or any text.

    >>> check_settings(["HardQCD:all = on", "4900111:m0 = 5", "PDF:pSet = 13"])
    >>> check_settings(["include = /etc/passwd"])
    Traceback (most recent call last):
    ...
    darkclr.errors.ConfigError: settings: 'include = /etc/passwd' is no setting of Pythia; ...
    """
    for line in settings:
        if problem := _problem(line):
            raise ConfigError(
                f"{line!r} {problem}",
                where="settings",
                fix="give Family:name = number or switch; files have options of their own",
            )


def _problem(line: str) -> str | None:
    """What is wrong with a line, if anything is."""
    if not line.replace("\t", " ").isprintable():
        return "holds control characters"
    text = line.strip()
    if not text[:1].isalnum():  # a comment to Pythia
        return None
    if not text.isascii():
        return "holds letters that Pythia does not know"
    if _PARTICLE.fullmatch(text):
        return None
    setting = _SETTING.fullmatch(text)
    if setting is None:
        return "is no setting of Pythia"
    name, value = re.sub("::+", ":", setting["name"]), setting["value"]
    if _FILES.match(name):
        return "would have Pythia read or write a file or load a library"
    if _TEXTS.fullmatch(name):
        return None if re.fullmatch(r"[^{}]*|\{[^{}]*\}", value) else "is not closed"
    if not _VALUE.fullmatch(_COMMENT.sub("", value).strip()):
        return "is neither a number nor a switch"
    return None
