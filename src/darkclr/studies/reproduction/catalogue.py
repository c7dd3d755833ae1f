"""All studies by name, in the order in which a reader wants them."""

from __future__ import annotations

from importlib import import_module

from darkclr.errors import ConfigError
from darkclr.names import did_you_mean
from darkclr.studies.reproduction.study import Study

__all__ = ["NAMES", "chosen", "find_study"]

# Modules in this package, each with its ``STUDY``.
_MODULES = {
    "table2": "paper.table2",
    "table3": "paper.table3",
    "fig1": "paper.fig1",
    "fig3": "paper.fig3",
    "fig5": "paper.fig5",
    "fig6": "paper.fig6",
    "section4": "paper.section4",
    "thesis-dropping": "thesis.dropping",
    "thesis-similarity": "thesis.similarity",
    "thesis-matrix": "thesis.matrix",
    "thesis-features": "thesis.features",
    "thesis-pdrop": "thesis.pdrop",
    "thesis-setups": "thesis.setups",
    "contamination": "beyond.contamination",
    "training-size": "beyond.training_size",
    "detector-card": "beyond.detector_card",
    "generator": "beyond.generator",
    "pt-window": "beyond.pt_window",
    "what-z-holds": "beyond.what_z_holds",
    "cms": "cms.study",
}

#: Names of all studies.
NAMES = tuple(_MODULES)
#: The picture of a table is a figure of the paper.
_ALIASES = {"fig4": "table3"}


def find_study(name: str) -> Study:
    """The study of that name.

    Raises:
        ConfigError: there is none.
    """
    name = _ALIASES.get(name, name)
    if name not in _MODULES:
        raise ConfigError(
            f"there is no study {name!r}",
            where="name",
            fix=did_you_mean(name, NAMES, f"choose of {', '.join(NAMES)}, all"),
        )
    return import_module(f"darkclr.studies.reproduction.{_MODULES[name]}").STUDY


def chosen(names: list[str]) -> list[Study]:
    """The studies of these names, each once; ``all`` is all of them.

    Raises:
        ConfigError: there is none of a name.
    """
    wanted = [each for name in names for each in (NAMES if name == "all" else [name])]
    return list({study.name: study for study in map(find_study, wanted)}.values())
