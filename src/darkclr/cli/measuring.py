"""Figures of merit as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

from pathlib import Path

from darkclr.augmentations import Augmentations
from darkclr.cli import console
from darkclr.evaluation.config import EvaluationConfig
from darkclr.io.options import ReadOptions
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig

__all__ = [
    "evaluate",
    "probe",
    "report",
]


def evaluate(
    scores: list[Path], output: Path, evaluation: EvaluationConfig = EvaluationConfig()
) -> None:
    """Measure how well every score tells signal from background, and whether it follows pT.

    Area under the ROC curve, background rejection and significance improvement are given twice:
    as simulated, and with background weighted to the pT spectrum of each signal, where a score
    gains nothing by following pT. Beside them is how far cuts on the scores change the spectra of
    background. Errors come from a bootstrap over events; weights are honoured. The files hold
    jets of both labels, 0 and 1.

    Example: darkclr evaluate qcd_scores.parquet aachen_scores.parquet metrics.json

    Args:
        scores: The Parquet files that `darkclr score` wrote, of background and of signal.
        output: The JSON file to which the figures of merit are written.
        evaluation: What is measured.
    """
    from darkclr.evaluation import evaluate as evaluate_scores
    from darkclr.evaluation import show_summary, write_metrics
    from darkclr.io.sources import check_output

    check_output([str(path) for path in scores], output, "JSON")
    metrics = evaluate_scores(scores, evaluation)
    write_metrics(metrics, output)
    show_summary(metrics, console)
    console.line(f"figures of merit in {output}")


def report(run: Path, augmentations: Augmentations = Augmentations()) -> None:
    """Draw all pictures of a run directory and write one HTML page that opens from disk.

    Example: darkclr report runs/quick

    Args:
        run: The directory that `darkclr run` wrote, or one with the same files.
        augmentations: Augmentations of the training, for their picture; by default the paper's.
    """
    from darkclr.report import report as write_report

    console.line(f"report: {write_report(run, augmentations)}")


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
        background: The file of background jets, of any layout, or of their representations.
        signals: The files of signal jets, or of their representations; each is a sample of its own.
        output: The JSON file to which the figures of merit are written.
        model: The directory with `encoder`; without it only raw constituents of jets are probed.
        split: Shares of the events (`--split.train` and so on); if they are not given, those of the
            encoder's training.
        probe: Which classifiers are trained, and how.
        evaluation: What is measured.
        layout: The layout of the files of jets; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.evaluation import show_summary, write_metrics
    from darkclr.io.sources import check_output
    from darkclr.studies.probe import probe_files

    check_output([str(background), *map(str, signals)], output, "JSON")
    metrics = probe_files(
        background,
        signals,
        model=model,
        split=split,
        config=probe,
        evaluation=evaluation,
        layout=layout,
        options=options,
    )
    write_metrics(metrics, output)
    show_summary(metrics, console)
    console.line(f"supervised, for looking only: never choose by these; written to {output}")
