"""``darkclr probe``: supervised classifiers on jets and representations."""

from __future__ import annotations

from pathlib import Path

from darkclr.cli import console
from darkclr.errors import ConfigError
from darkclr.evaluation.config import EvaluationConfig
from darkclr.io.options import ReadOptions
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig

__all__ = ["probe"]


def probe(
    background: Path,
    signals: list[Path],
    output: Path,
    model: Path | None = None,
    split: Split | None = None,
    probe: ProbeConfig = ProbeConfig(),
    evaluation: EvaluationConfig = EvaluationConfig(),
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Ask supervised classifiers how much of a signal a representation holds (with labels!).

    The linear classifier test of the paper's appendix A and the multilayer classifier of the
    thesis, trained with labels on the training part and measured on the test part: of the raw
    constituents, the pooled representation and the head output. They say what is there to be
    found; they must not choose among representations, trainings or scores.

    Example: darkclr probe qcd.parquet aachen.parquet probe.json --model runs/quick

    Args:
        background: File of background jets, of any layout, or of their representations.
        signals: Files of signal jets, or of their representations; each is a sample of its own.
        output: JSON file to write the figures of merit to.
        model: Directory with `encoder`; without it only raw constituents of jets are probed.
        split: Shares of the events (`--split.train` and so on); if they are not given, those of the
            encoder's training.
        probe: Which classifiers are trained, and how.
        evaluation: What is measured.
        layout: Layout of the files of jets; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.contrastive.model_directory import load_encoder, training_split
    from darkclr.evaluation import show_summary, write_metrics
    from darkclr.evaluation.probe import probe as probe_features
    from darkclr.io import read_jets
    from darkclr.io.representations import holds_representations, read_representations
    from darkclr.io.sources import check_output
    from darkclr.supervised.probe import Probed

    check_output([str(background), *map(str, signals)], output, "JSON")
    names = [path.stem for path in signals]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(
            f"two signals are called {', '.join(sorted(twice))}",
            where="signals",
            fix="rename the files: their names are those of the signals",
        )
    encoder = None if model is None else load_encoder(model / "encoder")
    if split is None and model is not None:
        split = training_split(model / "encoder")

    def features(path: Path) -> Probed:
        if holds_representations(path):
            return Probed.from_representations(read_representations(path))
        return Probed.from_jets(read_jets(path, layout=layout, options=options), encoder)

    metrics = probe_features(
        features(background),
        {name: features(path) for name, path in zip(names, signals, strict=True)},
        split=split,
        config=probe,
        evaluation=evaluation,
    )
    write_metrics(metrics, output)
    show_summary(metrics, console)
    console.line(f"supervised, for looking only: never choose by these; written to {output}")
