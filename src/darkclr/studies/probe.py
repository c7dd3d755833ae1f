"""How much of a signal a representation holds: figures of merit of supervised classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from darkclr.contrastive.model_directory import load_encoder, model_parts, training_split
from darkclr.errors import ConfigError
from darkclr.evaluation.config import EvaluationConfig
from darkclr.evaluation.measurement import evaluate
from darkclr.evaluation.results import Metrics, ScoreResult
from darkclr.io import read_jets
from darkclr.io.options import ReadOptions
from darkclr.io.representations import holds_representations, read_representations
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig
from darkclr.supervised.probe import Probed, probe_scores

__all__ = ["probe", "probe_files"]

_TITLES = {
    "raw": "raw constituents",
    "pooled": "pooled representation h",
    "z": "head output z",
}


def probe_files(
    background: Path,
    signals: Sequence[Path],
    *,
    model: Path | None = None,
    split: Split | None = None,
    config: ProbeConfig | None = None,
    evaluation: EvaluationConfig | None = None,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> Metrics:
    """:func:`probe` files of jets or of representations; the signals are called as their files.

    Args:
        background, signals: the files.
        model: directory with ``encoder``; without it only raw constituents of jets are probed.
        split: shares of the events; those of the encoder's training if None.
        config, evaluation: as of :func:`probe`.
        layout, options: how files of jets are read.

    Raises:
        ConfigError: two signals have the same name.
        InputError: files or a model that cannot be read.
    """
    names = [path.stem for path in signals]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(
            f"two signals are called {', '.join(sorted(twice))}",
            where="signals",
            fix="rename the files: their names are those of the signals",
        )
    encoder = None if model is None else load_encoder(model_parts(model).encoder)
    if split is None and model is not None:
        split = training_split(model_parts(model).encoder)

    def features(path: Path) -> Probed:
        if holds_representations(path):
            return Probed.from_representations(read_representations(path))
        return Probed.from_jets(read_jets(path, layout=layout, options=options), encoder)

    return probe(
        features(background),
        {name: features(path) for name, path in zip(names, signals, strict=True)},
        split=split,
        config=config,
        evaluation=evaluation,
    )


def probe(
    background: Probed,
    signals: Mapping[str, Probed],
    *,
    split: Split | None = None,
    config: ProbeConfig | None = None,
    evaluation: EvaluationConfig | None = None,
) -> Metrics:
    """Train supervised classifiers on the training parts and measure them on the test parts.

    Args:
        background, signals, split, config: as of
            :func:`~darkclr.supervised.probe.probe_scores`, whose errors are raised.
        evaluation: figures of merit to compute.

    Returns:
        Figures of merit as of :func:`darkclr.evaluation.measurement`, of kind ``probe``.
    """
    config, evaluation = config or ProbeConfig(), evaluation or EvaluationConfig()
    if any(sample.pt is None for sample in (background, *signals.values())):
        evaluation = replace(evaluation, match=None)
    tables = probe_scores(background, signals, split=split, config=config)
    of_signals = [evaluate(table, evaluation) for table in tables.values()]
    scores = {
        score: ScoreResult(
            title=_title(*score.split("_", 1)),
            baseline=False,
            signals={s: r for m in of_signals for s, r in m.scores[score].signals.items()},
        )
        for score in of_signals[0].scores
    }
    # Not of the kind of anomaly scores, so that nobody takes one for the other.
    return replace(
        of_signals[0],
        kind="probe",
        samples={name: counts for m in of_signals for name, counts in m.samples.items()},
        scores=scores,
        supervised=True,
        probe=asdict(config),
    )


def _title(classifier: str, features: str) -> str:
    return f"{classifier} on {_TITLES.get(features, features)}"
