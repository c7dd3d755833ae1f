"""Studies by name: their trainings, and what is read off them, written and judged."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from darkclr.errors import ConfigError
from darkclr.evaluation import read_metrics
from darkclr.io import atomic_path
from darkclr.names import did_you_mean
from darkclr.reporter import Reporter, Silent
from darkclr.studies.claim import claim
from darkclr.studies.config import EnsembleConfig, RunConfig
from darkclr.studies.duration import Job, hours, show_jobs
from darkclr.studies.ensemble import Ensemble
from darkclr.studies.reproduction.catalogue import chosen
from darkclr.studies.reproduction.page import write_page
from darkclr.studies.reproduction.record import RESULT, record
from darkclr.studies.reproduction.scales import SCALES, Scale
from darkclr.studies.reproduction.shared import copy_encoder, encoder_key, link, sample_key
from darkclr.studies.reproduction.study import Material, Result, Study
from darkclr.studies.run import Run
from darkclr.studies.sample_config import Sample
from darkclr.worker_pool import available_cores

__all__ = ["Reproduction", "parts", "show_studies"]


class Reproduction:
    """Studies at one scale, in one directory.

    Args:
        names: of the studies; ``all`` is all of them.
        scale: name of the scale.
        output: directory; ``trainings`` holds what takes long, ``NAME`` the result of a study.
        reporter: hears of the progress and of the verdicts.
        samples: what some samples are instead of simulated, by name: files of jets.

    Raises:
        ConfigError: there is no such study or sample, or a training cannot be done here.
    """

    def __init__(
        self,
        names: Sequence[str],
        scale: str,
        output: Path,
        reporter: Reporter = Silent(),
        samples: Mapping[str, Sample] | None = None,
    ) -> None:
        self.studies, self.scale = chosen(list(names)), SCALES[scale]
        self.output, self.reporter = output, reporter
        self.trainings: dict[str, Ensemble | Run] = {}
        self.samples = dict(samples or {})
        self._of = {study.name: study.trainings(self.scale) for study in self.studies}
        known = {n for of in self._of.values() for config in of.values() for n in config.samples}
        if unknown := self.samples.keys() - known:
            raise ConfigError(
                f"there are no samples {', '.join(sorted(unknown))} in these studies",
                where="samples",
                fix=did_you_mean(min(unknown), sorted(known)),
            )
        for configs in self._of.values():
            for name, config in configs.items():
                given = {n: self.samples.get(n, sample) for n, sample in config.samples.items()}
                placed = replace(config, samples=given, output=output / "trainings" / name)
                if name not in self.trainings:
                    self.trainings[name] = _steps(placed, reporter)
                assert self.trainings[name].config == placed, f"two trainings are called {name}"

    def describe(self) -> None:
        """Say what is to be done, and how long that takes."""
        cores = available_cores()
        for study in self.studies:
            self.reporter.line(f"{study.name:<20} {study.title}")
            self.reporter.line(f"{self.scale.name:<20} {study.sizes(self.scale)}")
        trained = {name for study in self.studies if study.trains for name in self._of[study.name]}
        jobs = _jobs(self.trainings, trained, cores, self.output / "trainings" / "samples") + [
            replace(job, name=f"{study.name}: {job.name}")
            for study in self.studies
            for job in study.jobs(self.scale, cores)
        ]
        self.reporter.line(f"output               {self.output}")
        show_jobs(jobs, cores, self.reporter)

    def execute(self) -> None:
        """Each study in its turn; trainings that are there already are not done again."""
        done: set[str] = set()
        for study in self.studies:
            start = time.monotonic()
            trainings = {name: self.trainings[name] for name in self._of[study.name]}
            for name in [name for name in trainings if name not in done]:
                # Jets that are read go with the steps in the end.
                steps = _steps(trainings[name].config, self.reporter)
                if study.trains:
                    self.reporter.line(f"{study.name}: training {name}")
                    self._train(steps)
                    done.add(name)
                else:
                    self._simulate(steps)
            folder = self.output / study.name
            material = Material(self.scale, trainings, folder, self.reporter)
            self._write(study, study.measure(material), time.monotonic() - start)
        self.reporter.line(f"all results: {write_page(self.output)}")

    def execute_part(self, part: str) -> None:
        """One of :func:`parts`, as a job of a batch system.

        Raises:
            ConfigError: the studies have no such part.
        """
        known = {p: s for s in self.studies for p in parts(s, self.scale)}
        if part not in known:
            raise ConfigError(
                f"there is no part {part!r}",
                where="part",
                fix=did_you_mean(part, known)
                if known
                else "leave it out: nothing is trained, samples are simulated",
            )
        name, _, number = part.partition("/")
        self._train(self.trainings[name], int(number))

    def _train(self, steps: Ensemble | Run, only: int | None = None) -> None:
        """All steps of a training; what it shares with others is made once."""
        models = (
            [
                (each.run.config, each.training(e), each.model(e))
                for each in steps.repetitions
                for e in each.encoder_numbers
                if only in (None, e)
            ]
            if isinstance(steps, Ensemble)
            else [(steps.config, steps.config.training, steps.output)]
        )
        common = self.output / "trainings" / "encoders"
        encoders = {
            common / encoder_key(config, training): model
            for config, training, model in models
            # The content of files may change under the same name.
            if not any(sample.sources for sample in config.samples.values())
        }
        self._simulate(steps)
        for shared, model in encoders.items():
            copy_encoder(shared, model / "encoder")
        if isinstance(steps, Run):
            if not _is_measured(steps):
                steps.measure()
        elif only is None:
            steps.execute()
        else:
            steps.repeat(only)
        for shared, model in encoders.items():
            copy_encoder(model / "encoder", shared)

    def _simulate(self, steps: Ensemble | Run) -> None:
        """The samples of a training; those that it shares with others are made once."""
        run = steps.run if isinstance(steps, Ensemble) else steps
        common = self.output / "trainings" / "samples"
        samples = {
            common / f"{sample_key(name, sample)}.parquet": run.sample(name)
            for name, sample in run.config.samples.items()
            if not sample.sources
        }
        for shared, own in samples.items():
            link(shared, own)
        claim(run.config)
        run.simulate()
        for shared, own in samples.items():
            link(own, shared)

    def _write(self, study: Study, result: Result, seconds: float) -> None:
        """Figure and ``result.json`` of a study, and its verdict on the terminal."""
        from darkclr.report.figures.style import pdf, png  # an extra

        folder = self.output / study.name
        found = record(study, self.scale, result, seconds, self.samples)
        for kind, content in {"png": png(result.figure), "pdf": pdf(result.figure)}.items():
            with atomic_path(folder / f"figure.{kind}") as temporary:
                temporary.write_bytes(content)
        text = json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False)
        with atomic_path(folder / RESULT) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        for title, rows in result.tables.items():
            self.reporter.table(title, rows)
        for judged in found["claims"]:
            self.reporter.line(f"{judged['verdict']}: {judged['sentence']}")
            for detail in filter(None, (judged["found"], judged["reason"])):
                self.reporter.line(f"  {detail}")
        self.reporter.line(f"{study.name}: {found['verdict']}; in {folder}")


def parts(study: Study, scale: Scale) -> dict[str, list[str]]:
    """What of a study's trainings may be done at the same time, with the parts that come before.

    A part is ``TRAINING/ENCODER``; the first encoder makes what the others share.
    """
    return {
        f"{name}/{encoder}": [] if encoder == 1 else [f"{name}/1"]
        for name, config in (study.trainings(scale) if study.trains else {}).items()
        for encoder in range(1, getattr(config, "encoders", 1) + 1)
    }


def show_studies(reporter: Reporter) -> None:
    """Say what there is, what it needs, and how long it takes at each scale."""
    cores = available_cores()
    built: dict[tuple[str, str], Ensemble | Run] = {}

    def taken(study: Study, scale: Scale) -> str:
        trainings = {}
        for name, config in study.trainings(scale).items():
            key = scale.name, name
            if key not in built:
                built[key] = _steps(config, Silent())
            trainings[name] = built[key]
        trained = trainings if study.trains else ()
        return hours(_seconds([*_jobs(trainings, trained, cores), *study.jobs(scale, cores)]))

    reporter.table(
        f"studies, and hours on {cores} cores without a GPU, each for itself",
        [
            {"name": study.name}
            | {scale.name: taken(study, scale) for scale in SCALES.values()}
            | {"what": study.title, "of": study.source, "needs": study.needs}
            for study in chosen(["all"])
        ],
    )
    reporter.line("`darkclr reproduce NAME --scale laptop`; all is every one of them")


def _jobs(
    trainings: Mapping[str, Ensemble | Run],
    trained: Container[str],
    cores: int,
    shared: Path | None = None,
) -> list[Job]:
    """What takes time of several trainings: a sample that they share is simulated by the first.

    Args:
        trainings: by name.
        trained: names of those of which more is needed than samples.
        cores: how many there are.
        shared: directory of the samples that all studies in it share, if there is one.
    """
    jobs, simulated = [], set()
    for name, steps in trainings.items():
        samples = [
            None if sample.sources else sample_key(own, sample)  # each reads its files
            for own, sample in steps.config.samples.items()
        ]
        of_samples = None if name in trained else len(samples)  # they are the first jobs
        for job, sample in zip_longest(steps.jobs(cores)[:of_samples], samples):
            if sample is None or sample not in simulated:
                there = (shared / f"{sample}.parquet",) if shared and sample else ()
                jobs.append(
                    replace(job, name=f"{name}: {job.name}", results=(*job.results, *there))
                )
            simulated.add(sample)
    return jobs


def _seconds(jobs: Sequence[Job]) -> float:
    return sum(job.seconds * job.times for job in jobs)


def _steps(config: RunConfig, reporter: Reporter) -> Ensemble | Run:
    return (
        Ensemble(config, reporter) if isinstance(config, EnsembleConfig) else Run(config, reporter)
    )


def _is_measured(run: Run) -> bool:
    """Whether a run of this configuration, which is claimed, has its figures of merit."""
    path = run.output / "metrics.json"
    return path.exists() and read_metrics(path).config == run.config.evaluation
