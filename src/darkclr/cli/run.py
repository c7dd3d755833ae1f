"""``darkclr run``: all steps, from collisions to a report, resumed where they stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from darkclr.augmentations import Augmentations
from darkclr.cli import console, steps
from darkclr.cli.plan import Plan, default_samples, with_yardsticks
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.evaluation import EvaluationConfig
from darkclr.io.timings import read_timings, timed
from darkclr.simulation.sample import SampleConfig
from darkclr.split import Split

__all__ = ["run"]


def run(
    samples: dict[str, SampleConfig] | None = None,
    output: Path = Path("runs/mine"),
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    scores: dict[str, dict[str, Any]] | None = None,
    evaluation: EvaluationConfig = EvaluationConfig(),
    supervised: str | None = None,
    workers: int | None = None,
    dry_run: bool = False,
) -> None:
    """From collisions to a ROC curve: all steps in order.

    Every step leaves its files in the output directory. Stop with Ctrl-C; the same command
    goes on where it was. A directory that holds a run with another configuration is refused, and
    so is the command without any option: its defaults, those of the paper, take many hours.

    Example: darkclr run --config configs/quick.yaml

    Args:
        samples: what to simulate, by name: one background process and any number of signals.
        output: directory of the run.
        split: shares of the background's events for training, validation and test.
        encoder: architecture.
        augmentations: what makes the views.
        loss: contrastive loss: AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: optimiser and schedule.
        scores: parameters of each anomaly score, by name; the yardsticks are always added.
        evaluation: what to measure.
        supervised: name of a signal sample on which the supervised classifier is trained as the
            ceiling; its training part is then left out of the table for all scores.
        workers: processes of the simulation; by default one a core.
        dry_run: only say what would be done.
    """
    plan = Plan(
        output=output,
        samples=samples or default_samples(),
        split=split,
        encoder=encoder,
        augmentations=augmentations,
        loss=loss,
        training=training,
        scores=with_yardsticks(scores),
        evaluation=evaluation,
        supervised=supervised,
        workers=workers,
    )
    plan.describe()
    if not dry_run:
        _execute(plan)


def _execute(plan: Plan) -> None:
    """All steps; what is there already is not done again."""
    from darkclr.io.parquet import read_metadata, write_table

    output = plan.output
    plan.claim()
    plan.simulate()
    plan.represent(output, plan.training)
    with timed(output, "fit"):
        steps.fit(
            plan.representations(output, plan.background),
            output,
            plan.scores,
            jets=plan.sample(plan.background),
            split=plan.split,
        )
    with timed(output, "score"):
        supervised = plan.classify(output / "supervised", plan.training)
        table = plan.score(output, plan.test_rows(output), supervised)
        write_table(table, output / "scores.parquet", read_metadata(table))
    with timed(output, "evaluate"):
        steps.evaluate([output / "scores.parquet"], output / "metrics.json", plan.evaluation)
    with timed(output, "report"):
        steps.report(output, plan.augmentations)
    timings = read_timings(output)
    parts = "  ".join(f"{name} {s / 60:.1f}" for name, s in timings.items())
    console.line(f"minutes: {parts}  in all {sum(timings.values()) / 60:.1f}")
