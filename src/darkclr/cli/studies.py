"""``darkclr run`` and ``darkclr ensemble``: whole studies, resumed where they stopped."""

from __future__ import annotations

from darkclr.cli import console
from darkclr.studies.config import EnsembleConfig, RunConfig

__all__ = ["ensemble", "run"]


def run(config: RunConfig, dry_run: bool = False) -> None:
    """From collisions to a ROC curve: all steps in order.

    Every step leaves its files in the output directory. Stop with Ctrl-C; the same command
    goes on where it was. A directory that holds a run with another configuration is refused, and
    so is the command without any option: its defaults, those of the paper, take many hours.

    Example: darkclr run --config quick

    Args:
        config: It holds all that determines the run.
        dry_run: The command only says what would be done, and how long that takes.
    """
    from darkclr.studies.run import Run

    steps = Run(config, console)
    steps.describe()
    if not dry_run:
        steps.execute()


def ensemble(config: EnsembleConfig, dry_run: bool = False) -> None:
    """All scores side by side, over an ensemble of encoders and of densities on each.

    One configuration, the same jets: encoder E is trained with the seed training.seed + E - 1,
    on each of them every score is fitted with the seeds 1, 2, ...; scores that read the jets
    themselves are fitted once a seed. The table (table.json, table.md) has mean and standard
    deviation over all of them, the spreads over encoders and over densities apart, the error of
    the test jets, published values, parameters and wall-clock; for the mixture as it was simulated
    and for another share of gluon jets.

    Stop with Ctrl-C; the same command goes on where it was. With more encoders, densities
    or variants it adds what is missing.

    Example: darkclr ensemble --config table2 --variants.jetclr representations/jetclr

    Args:
        config: It holds all that determines the ensemble.
        dry_run: The command only says what would be done, and how long that takes.
    """
    from darkclr.studies.ensemble import Ensemble

    steps = Ensemble(config, console)
    steps.describe()
    if not dry_run:
        steps.execute()
