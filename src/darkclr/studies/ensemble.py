"""An ensemble: encoders, densities on each of them, and one table of all scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from darkclr.errors import ConfigError, InputError
from darkclr.evaluation import EnsembleMetrics, comparison, markdown, readable_rows, to_json
from darkclr.evaluation.ensemble.table import Table
from darkclr.evaluation.search import mean_scores, search, show_search
from darkclr.io import atomic_path
from darkclr.io.parquet import column_names, read_table
from darkclr.names import did_you_mean
from darkclr.reporter import Reporter, Silent
from darkclr.studies.claim import claim
from darkclr.studies.config import YARDSTICKS, EnsembleConfig
from darkclr.studies.duration import Job, show_jobs, show_steps
from darkclr.studies.repetitions import Repetitions
from darkclr.studies.run import Run
from darkclr.studies.variants import variant
from darkclr.worker_pool import available_cores

__all__ = ["Ensemble", "ensemble"]


def ensemble(config: EnsembleConfig, reporter: Reporter = Silent()) -> None:
    """All scores side by side, over an ensemble of encoders and of densities on each.

    Every repetition leaves its files in the directory ``config.output``; what is there already is
    not done again. In the end ``table.json`` and ``table.md`` hold all of them; without signal,
    ``anomalous_jets.csv`` the jets that they find most anomalous together.

    Args:
        config: all that determines the ensemble.
        reporter: hears of the progress and of the results.

    Raises:
        ConfigError: as of :class:`Ensemble`, or the directory holds a run with another
            configuration.
        DarkclrError: as of the steps.
    """
    Ensemble(config, reporter).execute()


class Ensemble:
    """Repetitions of a run, and of variants of it on the same jets.

    Args:
        config: all that determines the ensemble.
        reporter: hears of the progress and of the results.

    Raises:
        ConfigError: as of :class:`~darkclr.studies.run.Run`,
            :class:`~darkclr.studies.repetitions.Repetitions` and
            :func:`~darkclr.studies.variants.variant`.
    """

    def __init__(self, config: EnsembleConfig, reporter: Reporter = Silent()) -> None:
        self.config, self.reporter = config, reporter
        self.run = Run(config, reporter)
        # Files tell of no partons.
        own = config.samples[config.background].sources
        self._gluon_share = None if own else config.gluon_share
        numbers = config.encoders, config.densities, self._gluon_share, config.encoders_at_once
        self.repetitions = [Repetitions(self.run, config.all_scores, *numbers)]
        if config.variants:
            scores = _variant_scores(self.repetitions[0], config.variant_scores)
            for name, path in config.variants.items():
                other = self.run.on_same_jets(variant(config, path))
                self.repetitions.append(Repetitions(other, scores, *numbers, name))

    def describe(self) -> None:
        """Say what is to be done, and how long that takes."""
        config, cores = self.config, available_cores()
        show_steps(config, self.reporter)
        self.reporter.line(f"ensemble  {config.encoders} encoders x {config.densities} densities")
        if config.variants:
            self.reporter.line(f"variants  {', '.join(config.variants)}")
        show_jobs(self.jobs(cores), cores, self.reporter)

    def jobs(self, cores: int) -> list[Job]:
        """What takes time on so many cores."""
        jobs = self.run.simulation_jobs(cores)
        for each in self.repetitions:
            jobs += each.jobs(cores)
        return jobs

    def table(self) -> Table:
        """All scores of finished repetitions, those of the configuration itself first."""
        return comparison(
            {
                each.variant: EnsembleMetrics(
                    natural=each.metrics(None),
                    gluons=None if each.gluon_share is None else each.metrics(each.gluon_share),
                    facts=each.facts(),
                    encoder=each.encoder_facts(),
                )
                for each in self.repetitions
            },
            processes={n: "" if s.sources else s.process for n, s in self.config.samples.items()},
        )

    def execute(self) -> None:
        """All repetitions and their table; what is there already is not done again."""
        self.repeat()
        if self.config.signals:
            self._write(self.table())
        else:
            self._search()

    def repeat(self, only: int | None = None) -> None:
        """All repetitions, or those of one encoder, as a job of a batch system.

        Args:
            only: as of :meth:`~darkclr.studies.repetitions.Repetitions.execute`.
        """
        claim(self.config)
        self.run.simulate()
        if self._gluon_share is not None:
            _check_partons(self.run.sample(self.config.background))
        for each in self.repetitions:
            each.execute(only)

    def _search(self) -> None:
        """Without signal: the jets that all members together find most anomalous."""
        for each in self.repetitions:
            folders = [each.folder(e, d) for e in each.encoder_numbers for d in each.seeds]
            members = [read_table(folder / "scores.parquet") for folder in folders]
            found = search(mean_scores(members), self.config.evaluation.background_efficiencies)
            found.write(each.root)
            show_search(found, self.reporter)
            self.reporter.line(f"most anomalous jets in {each.root / 'anomalous_jets.csv'}")

    def _write(self, table: Table) -> None:
        """Write ``table.json`` and ``table.md`` and show the rows."""
        text = json.dumps(to_json(table), indent=1, allow_nan=False, ensure_ascii=False)
        output = self.config.output
        for name, content in (("table.json", text + "\n"), ("table.md", markdown(table))):
            with atomic_path(output / name) as temporary:
                temporary.write_text(content, encoding="utf-8")
        for signal in self.config.signals:
            # The details do not fit on a terminal.
            rows = [
                {k: v for k, v in row.items() if k not in ("reads", "parameters") and ":" not in k}
                for row in readable_rows(table, signal)
            ]
            self.reporter.table(f"{signal} against background (* = yardstick)", rows)
        self.reporter.line(f"table in {output / 'table.md'} and table.json")


def _variant_scores(own: Repetitions, names: list[str] | None) -> dict[str, dict[str, Any]]:
    """Parameters of the scores of variants."""
    possible = own.on_representations
    names = [n for n in possible if n not in YARDSTICKS] if names is None else names
    if missing := [name for name in names if name not in possible]:
        raise ConfigError(
            f"{', '.join(missing)}: no score of the configuration that reads representations",
            where="variant_scores",
            fix=did_you_mean(missing[0], possible),
        )
    return {name: possible[name] for name in names}


def _check_partons(path: Path) -> None:
    """Better now than after hours."""
    if "truth_parton_pdg" not in column_names(path):
        raise InputError(
            "no column truth_parton_pdg: quark and gluon jets cannot be told apart",
            where=path,
            fix="set gluon_share: null",
        )
