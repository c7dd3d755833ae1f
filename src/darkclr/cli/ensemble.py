"""``darkclr ensemble``: encoders, densities on each of them, and one table of all scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from darkclr.augmentations import Augmentations
from darkclr.cli import console
from darkclr.cli.comparing import write_comparison
from darkclr.cli.members import Members
from darkclr.cli.plan import YARDSTICKS, Plan, check_names, default_samples, with_yardsticks
from darkclr.cli.variants import variant
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.errors import ConfigError, InputError
from darkclr.evaluation import EvaluationConfig
from darkclr.simulation.sample import SampleConfig
from darkclr.split import Split

__all__ = ["ensemble"]


def ensemble(
    samples: dict[str, SampleConfig] | None = None,
    output: Path = Path("runs/table"),
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    scores: dict[str, dict[str, Any]] | None = None,
    evaluation: EvaluationConfig = EvaluationConfig(),
    supervised: str | None = None,
    encoders: int = 3,
    densities: int = 3,
    gluon_share: float | None = 0.45,
    variants: dict[str, Path] | None = None,
    variant_scores: list[str] | None = None,
    workers: int | None = None,
    dry_run: bool = False,
) -> None:
    """All scores side by side, over an ensemble of encoders and of densities on each.

    One configuration, the same jets: encoder E is trained with the seed training.seed + E - 1,
    on each of them every score is fitted with the seeds 1, 2, ...; scores that read the jets
    themselves are fitted once a seed. The table (table.json, table.md) has mean and standard
    deviation over all members, the spreads over encoders and over densities apart, the error of
    the test jets, published values, parameters and wall-clock; for the mixture as it was simulated
    and for another share of gluon jets.

    Stop with Ctrl-C; the same command goes on where it was. With more encoders, densities
    or variants it adds the missing members.

    Example: darkclr ensemble --config configs/table2.yaml
             --variants.jetclr configs/representations/jetclr.yaml

    Args:
        samples: what to simulate, by name: one background process and any number of signals.
        output: directory of the ensemble.
        split: shares of the background's events for training, validation and test.
        encoder: architecture.
        augmentations: what makes the views.
        loss: contrastive loss: AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: optimiser and schedule; the seed is that of the first encoder.
        scores: parameters of each anomaly score, by name; the yardsticks are always added. A
            combination reads scores that read representations.
        evaluation: what to measure.
        supervised: name of a signal sample on which a supervised classifier is trained with the
            seed of each encoder, as the ceiling; its training part is then left out of the table
            for all scores.
        encoders: how many to train.
        densities: how many times to fit each score on each encoder.
        gluon_share: share of gluon jets among the background in the second half of the table; it
            needs simulated partons. null: no second half.
        variants: files of other representations, by name.
        variant_scores: names of the scores fitted on variants; by default all that read
            representations.
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
    variants = variants or {}
    check_names(variants, "variants")
    members = [Members(plan, encoders, densities, gluon_share)]
    if variants:
        scores_of_variants = _variant_scores(members[0], variant_scores)
        for name, path in variants.items():
            other = replace(variant(plan, path), scores=scores_of_variants)
            members.append(Members(other, encoders, densities, gluon_share, name))
    plan.describe()
    console.line(f"ensemble  {encoders} encoders x {densities} densities")
    if variants:
        console.line(f"variants  {', '.join(variants)}")
    if dry_run:
        return
    plan.claim()
    plan.simulate()
    if gluon_share is not None:
        _check_partons(plan.sample(plan.background))
    for each in members:
        each.execute()
    write_comparison(members, plan.output)


def _variant_scores(members: Members, names: list[str] | None) -> dict[str, dict[str, Any]]:
    """Parameters of the scores of variants."""
    possible = members.on_representations
    names = [n for n in possible if n not in YARDSTICKS] if names is None else names
    if missing := [name for name in names if name not in possible]:
        raise ConfigError(
            f"{', '.join(missing)}: no score of the configuration that reads representations",
            where="variant_scores",
            fix=f"choose of {', '.join(possible)}",
        )
    return {name: possible[name] for name in names}


def _check_partons(path: Path) -> None:
    """Better now than after hours."""
    from darkclr.io.parquet import column_names

    if "truth_parton_pdg" not in column_names(path):
        raise InputError(
            "no column truth_parton_pdg: quark and gluon jets cannot be told apart",
            where=path,
            fix="set gluon_share: null",
        )
