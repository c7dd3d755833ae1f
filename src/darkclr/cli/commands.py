"""All commands by name, in the order of the way from collisions to pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["COMMANDS", "Command"]


@dataclass(frozen=True)
class Command:
    """A command: where its function is, and what the function cannot say of itself."""

    name: str
    """Name of the command and of its function."""
    module: str
    """Module of the function, in this package; it is imported when the command is called."""
    options: tuple[str, ...]
    """Options that one needs; the others are shown by `--help-all` alone."""
    several: str | None = None
    """The argument that takes several files."""
    goes_on: bool = False
    """Whether the command keeps what is done when it is stopped; otherwise it starts anew."""
    more_help: str | None = None
    """Function of the module that makes the end of the help."""
    short_help: bool = True
    """Whether that end belongs to the short help, too."""
    may_name_none: bool = False
    """Whether the argument that takes several may be left out."""

    @property
    def function(self) -> Callable[..., Any]:
        """Its signature is the command line, its docstring the help."""
        return self._member(self.name)

    def end_of_help(self, everything: bool) -> str | None:
        """What follows the options."""
        if self.more_help is None or not (everything or self.short_help):
            return None
        return self._member(self.more_help)()

    def _member(self, name: str) -> Callable[..., Any]:
        return getattr(import_module(f"darkclr.cli.{self.module}"), name)


_TRAINING = (
    *("training.epochs", "training.batch_size", "training.learning_rate", "training.schedule"),
    *("training.precision", "training.device", "training.seed", "loss.name"),
)

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command(
            "generate",
            "generating",
            (
                *("process", "n_jets", "seed", "parameters", "settings", "card", "events"),
                *("workers", "dry_run"),
            ),
            goes_on=True,
            more_help="describe_samples",
        ),
        Command(
            "train",
            "training",
            _TRAINING,
            several="jets",
            goes_on=True,
            more_help="describe_augmentations",
            short_help=False,
        ),
        Command(
            "encode",
            "training",
            ("dropped", "seed", "precision", "device", "layout", "options.label"),
            several="jets",
        ),
        Command(
            "fit",
            "fitting",
            ("scores", "score.name", "jets", "seed"),
            goes_on=True,
            more_help="describe_scores",
            short_help=False,
        ),
        Command("scores", "fitting", ("name", "output")),
        Command(
            "workingpoints",
            "scoring",
            (
                *("cuts_at", "minimum_jets", "signals", "output"),
                *("part", "device", "layout", "options.label"),
            ),
            several="background",
        ),
        Command(
            "score",
            "scoring",
            ("part", "outside", "working_points", "device", "layout", "options.label"),
            several="jets",
        ),
        Command(
            "evaluate",
            "measuring",
            (
                *("evaluation.signal_efficiencies", "evaluation.n_bootstrap"),
                *("evaluation.seed", "evaluation.gluon_share"),
            ),
            several="scores",
        ),
        Command(
            "show",
            "scoring",
            ("by", "n_jets", "neighbours", "among", "part", "outside", "device", "options.label"),
            several="jets",
        ),
        Command("report", "measuring", ()),
        Command("export", "scoring", ("scores",)),
        Command(
            "probe", "measuring", ("model", "probe.classifiers", "probe.seed"), several="signals"
        ),
        Command("info", "files", ("output", "layout", "options.table"), several="source"),
        Command(
            "convert",
            "files",
            (
                *("layout", "to", "options.table", "options.label", "options.n_constituents"),
                *("options.pt_min", "options.pt_max", "deduplicate", "match_pt", "seed"),
            ),
            several="source",
        ),
        Command("download", "files", ("files", "dry_run"), goes_on=True),
        Command(
            "run",
            "studies",
            ("samples", "output", "scores", *_TRAINING, "supervised", "workers", "dry_run"),
            goes_on=True,
        ),
        Command(
            "ensemble",
            "studies",
            (
                *("samples", "output", "scores", "encoders", "densities", "variants"),
                *("variant_scores", "gluon_share", "supervised", "workers", "dry_run"),
            ),
            goes_on=True,
        ),
        Command(
            "reproduce",
            "reproducing",
            ("scale", "output", "samples", "part", "dry_run"),
            several="name",
            goes_on=True,
            may_name_none=True,
        ),
    )
}
