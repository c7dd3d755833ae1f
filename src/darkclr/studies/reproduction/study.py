"""What a study is, what it reads, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkclr.reporter import Reporter
from darkclr.studies.config import RunConfig
from darkclr.studies.duration import Job
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.reproduction.claims import Claim
from darkclr.studies.reproduction.scales import Scale
from darkclr.studies.run import Run

if TYPE_CHECKING:  # an extra
    from matplotlib.figure import Figure

__all__ = ["Material", "Result", "Study"]


@dataclass(frozen=True)
class Material:
    """What a study reads.

    Args:
        scale: its numbers.
        trainings: the finished ones, by name.
        folder: of the study, for files of its own.
        reporter: hears of the progress.
    """

    scale: Scale
    trainings: Mapping[str, Ensemble | Run]
    folder: Path
    reporter: Reporter

    def ensemble(self, name: str) -> Ensemble:
        """A finished ensemble, each time without the jets that are read of it."""
        found = self.trainings[name]
        assert isinstance(found, Ensemble)
        return Ensemble(found.config, self.reporter)


@dataclass(frozen=True)
class Result:
    """What a study finds.

    Args:
        figure: its picture.
        claims: what a paper says, with verdicts.
        tables: rows by title, their cells as text; yardsticks belong into each.
        numbers: everything that the picture shows, as plain data.
        remarks: whole sentences for the reader.
        not_run: what the paper has and this result has not.
    """

    figure: Figure
    claims: Sequence[Claim]
    tables: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    not_run: Sequence[str] = ()


@dataclass(frozen=True)
class Study:
    """A table or figure that can be made again; see :mod:`darkclr.studies.reproduction`.

    Args:
        name: on the command line.
        title: what it shows, a sentence.
        source: paper and number of table or figure; what is new says so.
        needs: what it takes, in words.
        trainings: configurations by name, at a scale.
        measure: reads the finished trainings.
        published: sections of ``validation/published.yaml`` to stand beside it.
        trains: whether it reads more of the trainings than their samples; else they are not done.
        jobs: what ``measure`` takes on so many cores.
    """

    name: str
    title: str
    source: str
    needs: str
    trainings: Callable[[Scale], Mapping[str, RunConfig]]
    measure: Callable[[Material], Result]
    published: Sequence[str] = ()
    trains: bool = True
    jobs: Callable[[Scale, int], Sequence[Job]] = lambda scale, cores: ()

    def sizes(self, scale: Scale) -> str:
        """Training jets and epochs of the trainings at a scale, or jets of samples, in words."""
        configs = self.trainings(scale).values()
        if not self.trains:
            numbers = {name: s.n_jets for c in configs for name, s in c.samples.items()}
            return ", ".join(f"{n} jets of {name}" for name, n in numbers.items())
        found = (f"{c.n_training_jets} jets x {c.training.epochs} epochs" for c in configs)
        return ", ".join(dict.fromkeys(found))
