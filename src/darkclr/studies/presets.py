"""The configurations that come with darkclr, by name: the files in ``configs/``."""

from __future__ import annotations

from pathlib import Path

from darkclr.errors import ConfigError
from darkclr.names import did_you_mean

__all__ = ["find_configuration", "presets"]

_PACKAGE = Path(__file__).parents[1]


def presets() -> dict[str, Path]:
    """All configurations by their path in ``configs/`` without the suffix.

    >>> "quick" in presets() and "representations/jetclr" in presets()
    True
    """
    # A wheel carries the folder in the package; a checkout shows it at its top.
    folder = next(f for f in (_PACKAGE / "configs", _PACKAGE.parents[1] / "configs") if f.is_dir())
    files = sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def find_configuration(name: str | Path) -> Path:
    """The file of that name or, where there is none, the preset.

    A preset may be called ``quick``, ``quick.yaml`` or ``configs/quick.yaml``.

    Raises:
        ConfigError: neither; the presets are listed.
    """
    path = Path(name)
    if path.exists() and not path.is_dir():
        return path
    known = presets()
    called = path.as_posix().removeprefix("configs/").removesuffix(".yaml")
    found = known.get(called)
    if found is None:
        raise ConfigError(
            "No such file",
            where=name,
            fix=did_you_mean(called, known, f"give a YAML file or one of {', '.join(known)}"),
        )
    return found
