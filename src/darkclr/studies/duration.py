"""How long a study takes: measured rates, and arithmetic with them, right to a factor of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkclr.anomaly.definition import ScoreDefinition, define_score
from darkclr.contrastive.config import EncoderConfig
from darkclr.reporter import Reporter
from darkclr.simulation.sample import plan
from darkclr.studies.config import RunConfig

__all__ = [
    "ENCODED",
    "READ",
    "TRAINED",
    "Job",
    "encoder_jobs",
    "fit_job",
    "hours",
    "operations",
    "score_job",
    "show_jobs",
    "show_steps",
    "simulation_jobs",
]

# Of a hardware thread: docs/scaling.md and docs/benchmarks.md. Those of the simulation stand with
# each process.
#: Jets a second that the paper's encoder encodes, with their files.
ENCODED = 1050.0
#: Jets a second that are read from files and written into the run: docs/files.md.
READ = 30_000.0
#: Jets a second on which it is trained, three views of each.
TRAINED = 176.0
# Seconds a row and epoch of a network, and a row and step of a chain: configs/table2.yaml.
_EPOCH = 26e-6
_CHAIN_STEP = 20e-6
_WIDTH = 128  # of the widest layer of the network that was measured
_IMAGES = 7.0  # times as long is a network on images
# Seconds a jet and score: scoring, and figures of merit with their bootstrap.
_SCORED = 30e-6
_EVALUATED = 30e-6

# Nothing was measured on more threads, and small batches do not fill many.
_MAX_THREADS = 4


Scores = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """What is done several times, and the seconds of each time on the cores that it can use.

    Args:
        name: what it is.
        seconds: of each time.
        times: how many.
        results: files, each of which is there when the job was done once.
    """

    name: str
    seconds: float
    times: int = 1
    results: tuple[Path, ...] = ()

    @property
    def done(self) -> int:
        """How many of the times are done already."""
        return min(self.times, sum(path.exists() for path in self.results))


def operations(config: EncoderConfig, length: float) -> float:
    """Floating-point operations of a forward pass of a jet: a multiplication and an addition are 2.

    Embedding, and per layer query, key, value, output (4 d^2), feed-forward (2 d d_h) and the two
    products of attention (2 L d) for each of the L constituents; then the head. Norms, softmax
    and activations are left out: they cost memory traffic rather than operations.
    """
    d, hidden, out = config.embedding_dim, config.feedforward_dim, config.output_dim
    layer = 2 * (4 * d * d + 2 * d * hidden + 2 * length * d)
    return length * (2 * 3 * d + config.n_layers * layer) + 2 * (d * out + out * out)


def simulation_jobs(config: RunConfig, cores: int) -> list[Job]:
    """The samples; those of events from a file take at most that long."""
    workers = config.workers or cores
    return [
        Job(f"read {name}", config.looks[name].n_jets / READ)
        if sample.sources
        else Job(f"generate {name}", plan(sample).seconds(workers))
        for name, sample in config.samples.items()
    ]


def encoder_jobs(config: RunConfig, cores: int, times: int = Job.times, of: str = "") -> list[Job]:
    """Training and encoding, and the training of the supervised classifiers."""
    threads = min(cores, _MAX_THREADS)
    length = min(35, config.encoder.n_constituents)  # constituents of a jet, rarely more
    share = operations(config.encoder, length) / operations(EncoderConfig(), 35)
    # Small networks spend their time on starting operations: quick.yaml, 410 jets/s on a thread.
    cost = (share if share > 1 else share**0.5) / threads
    background = config.looks[config.background].n_jets
    n_jets = sum(look.n_jets for look in config.looks.values()) + background  # and copies
    trained = background * config.split.train * config.training.epochs
    jobs = [
        Job(f"train{of}", trained / TRAINED * cost, times),
        Job(f"encode{of}", n_jets / ENCODED * cost, times),
    ]
    if config.taught and not of:
        both = sum(background + config.looks[name].n_jets for name in config.taught)
        epochs = (config.classifier or config.training).epochs
        # They see one view of three.
        seconds = both * config.split.train * epochs / (3 * TRAINED) * cost / len(config.taught)
        jobs.append(Job("train supervised", seconds, times * len(config.taught)))
    return jobs


def fit_job(scores: Scores, config: RunConfig, times: int = Job.times, of: str = "") -> Job:
    """The fits of scores."""
    n_rows = config.looks[config.background].n_jets * config.split.train
    definitions = (define_score(name, options) for name, options in scores.items())
    return Job(f"fit{of}", n_rows * sum(map(_fit, definitions)), times)


def score_job(
    scores: Scores, config: RunConfig, times: int = Job.times, mixtures: int = 1, of: str = ""
) -> Job:
    """Scores of the test jets, and figures of merit for each mixture of quarks and gluons."""
    n_jets = config.looks[config.background].n_jets * config.split.test
    n_jets += sum(config.looks[name].n_jets for name in config.signals)
    seconds = n_jets * len(scores) * (_SCORED + mixtures * _EVALUATED)
    return Job(f"score and evaluate{of}", seconds, times)


def show_steps(config: RunConfig, reporter: Reporter) -> None:
    """Say what is to be done, with the arithmetic; files are looked at.

    Raises:
        ConfigError: jets are given as events, or there are too few for the training.
        InputError: files that are missing or no jets.
    """
    looks = config.looks
    n_train = config.n_training_jets
    epochs, batch_size = config.training.epochs, config.training.batch_size
    drawn = ", ".join(f"{look.n_jets} {name}" for name, look in looks.items())
    reporter.line(f"samples   {drawn} jets")
    for name, look in looks.items():
        if look.n_files:
            about = "" if look.is_exact else "about "
            other = 1 - config.labels[name]
            reporter.line(
                f"{name:<9} {about}{look.n_jets} jets in {look.n_files} files ({look.kind})"
                + (f", {about}{look.n_other} of label {other} left out" if look.n_other else "")
            )
    reporter.line(
        f"training  about {n_train} {config.background} jets x {epochs} epochs / "
        f"{batch_size} = {n_train // batch_size * epochs} steps"
    )
    if config.contamination:
        reporter.line(f"signal    in the place of {100 * config.contamination:g} % of them")
    reporter.line(f"scores    {', '.join(config.all_scores)}")
    reporter.line(f"output    {config.output}")


def show_jobs(jobs: Sequence[Job], cores: int, reporter: Reporter) -> None:
    """Say how long jobs take that are not done, each and all of them, one after the other."""
    any_done = any(job.done for job in jobs)
    reporter.table(
        "",
        [
            {"job": job.name, "times": job.times}
            | ({"there": job.done} if any_done else {})
            | {
                "hours each": hours(job.seconds),
                "hours": hours(job.seconds * (job.times - job.done)),
            }
            for job in jobs
        ],
    )
    left = hours(sum(job.seconds * (job.times - job.done) for job in jobs))
    total = hours(sum(job.seconds * job.times for job in jobs))
    words = f"{left} hours are left of {total}" if any_done else f"{total} hours in all"
    reporter.line(
        f"time      roughly {words} on {cores} cores without a GPU: measured rates, right to a "
        "factor of two"
    )


def _fit(definition: ScoreDefinition) -> float:
    """Seconds a row."""
    options = definition.detector().get_params(deep=False)
    epochs = options.get("epochs", 1)
    if "pretraining_epochs" in options:
        chain = options["steps"] + (
            options["latent_steps"] if options["initialisation"] == "on_manifold" else 0
        )
        seconds = options["restarts"] * options["pretraining_epochs"] * _EPOCH
        seconds += epochs * chain * _CHAIN_STEP
    else:
        seconds = epochs * _EPOCH
    widest = max(options.get("widths", (_WIDTH,))) / _WIDTH
    return seconds * widest * (_IMAGES if "images" in str(definition.reads) else 1)


def hours(seconds: float) -> str:
    """Seconds as hours, in two digits.

    >>> hours(9.0), hours(1000.0), hours(1_234_567.0)
    ('0.0025', '0.28', '340')
    """
    return f"{float(f'{seconds / 3600:.2g}'):.4f}".rstrip("0").rstrip(".")
