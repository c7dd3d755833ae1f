"""What a sample of a study is: a simulation, or your own jets from files."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from darkclr.errors import ConfigError
from darkclr.io.options import ReadOptions
from darkclr.simulation.sample import SampleConfig

__all__ = ["Look", "Sample"]


@dataclass(frozen=True)
class Sample(SampleConfig):
    """A sample of a study: simulated, or your own jets from files.

    Raises:
        ConfigError: a value makes no sense, or options of a simulation beside files.
    """

    files: str | list[str] | None = None
    """Files of jets or events of any layout, in place of a simulation: paths, folders, patterns or
    URLs. In a configuration file they are relative to its folder."""
    layout: str | None = None
    """Layout of the files; if it is not given, their columns tell it."""
    options: ReadOptions = ReadOptions()
    """How the files are read: cuts, clustering, weights."""
    title: str | None = None
    """What jets of files are called in tables and pictures; their name if not given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.files is not None and not (self.sources and all(self.sources)):
            raise ConfigError("files of no name", where="sample", fix="name files, or leave it out")
        own = {field.name for field in fields(SampleConfig)} - {"label"}
        if self.files is None:
            own = {"layout", "options", "title"}
        if useless := [
            field.name for field in fields(self) if field.name in own and _set(self, field)
        ]:
            raise ConfigError(
                f"{', '.join(useless)} of "
                + ("a simulation" if self.files is None else "jets that are read from files"),
                where="sample",
                fix="leave it out" if self.files else "leave it out, or name files",
            )

    @classmethod
    def of(cls, sample: SampleConfig) -> Sample:
        """The same sample, as one of a study."""
        return sample if isinstance(sample, cls) else cls(**vars(sample))

    @property
    def sources(self) -> list[str]:
        """The files as they are named; empty if the sample is simulated."""
        return [self.files] if isinstance(self.files, str) else self.files or []

    def to_dict(self) -> dict[str, Any]:
        """Everything that determines the jets, but for the content of files, as plain data."""
        plain = asdict(self)
        if self.files is None:
            return {field.name: plain[field.name] for field in fields(SampleConfig)}
        from darkclr.io.sources import is_url  # help comes without PyArrow

        given = {
            f.name: plain["options"][f.name] for f in fields(ReadOptions) if _set(self.options, f)
        }
        return {
            "files": [s if is_url(s) else str(Path(s).absolute()) for s in self.sources],
            "layout": self.layout,
            "options": given,
            "label": self.label,
            "title": self.title,
        }


class Look(NamedTuple):
    """What is in the files of a sample, as far as their beginnings tell."""

    n_files: int
    n_jets: int
    is_exact: bool
    kind: str
    n_other: int = 0
    """Jets of the other label, which are left out."""
    has_unlabelled: bool = False


def _set(owner: object, field: Any) -> bool:
    """Whether a field has another value than its default."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(owner, field.name) != default)
