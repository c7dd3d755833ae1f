"""The steps as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from darkclr.augmentations import Augmentations
from darkclr.cli import console
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.devices import DEVICE, PRECISION, Device, Precision, torch_device
from darkclr.evaluation.config import EvaluationConfig
from darkclr.io.options import ReadOptions
from darkclr.io.sources import sample_name
from darkclr.split import Split

__all__ = ["encode", "evaluate", "report", "score", "train"]

Part = Literal["train", "validation", "test", "all"]


def train(
    jets: Path,
    model: Path,
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Train the encoder on the training part of a file of background jets.

    A jet and its rotated, shifted copy are pulled together, a copy with dropped constituents is
    pushed away. Labels are not read. A checkpoint is written after every epoch; the same command
    goes on from it.

    Example: darkclr train qcd.parquet runs/mine --config configs/quick.yaml

    Args:
        jets: file, directory, glob or URL of background jets, of any layout.
        model: directory; the encoder is written to its sub-directory `encoder`.
        split: shares of the events for training, validation and test.
        encoder: architecture of the encoder.
        augmentations: augmentations that make the views; to add your own, name its class by
            import path.
        loss: contrastive loss: AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: optimiser and schedule of the training.
        layout: layout of the file; it is recognised from the content if not given.
        options: how the file is read: cuts, label, clustering.
    """
    from darkclr.contrastive.files import train_file

    train_file(
        jets,
        model / "encoder",
        split=split,
        encoder=encoder,
        augmentations=augmentations,
        loss=loss,
        training=training,
        layout=layout,
        options=options,
        reporter=console,
    )
    console.line(f"encoder in {model / 'encoder'}")


def encode(
    jets: Path,
    model: Path,
    output: Path,
    dropped: bool = False,
    augmentations: Augmentations = Augmentations(),
    copies: Augmentations | None = None,
    seed: int = 0,
    precision: Precision = PRECISION,
    device: Device = DEVICE,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Turn jets into representations, z and the pooled one, as columns of a Parquet file.

    Jets are read and written batch by batch, so there may be more than fit in memory.

    Example: darkclr encode qcd.parquet runs/mine representations.parquet --dropped true

    Args:
        jets: file, directory, glob or URL of jets, of any layout.
        model: directory that `darkclr train` wrote.
        output: Parquet file to write, one row a jet.
        dropped: whether to add a dropped copy of every jet, which `fit` needs for the
            discriminant; of several families, one copy of each.
        augmentations: augmentations that make the dropped copies; the paper's by default.
        copies: augmentations that make the dropped copies, if not those of the training.
        seed: seed of the dropped copies.
        precision: precision of the matrix products; `auto` takes bfloat16 where the hardware is
            fast in it.
        device: device that computes; `auto` takes a GPU if there is one.
        layout: layout of the file; it is recognised from the content if not given.
        options: how the file is read: cuts, label, clustering.
    """
    from darkclr.contrastive.files import encode_file

    with console.bar(f"encode {sample_name(jets)}", None) as advance:
        n_jets = encode_file(
            model / "encoder",
            jets,
            output,
            dropped=(copies or augmentations) if dropped else None,
            seed=seed,
            device=torch_device(device),
            precision=precision,
            layout=layout,
            options=options,
            progress=advance,
        )
    console.line(f"{n_jets} jets in {output}")


def score(
    jets: Path,
    model: Path,
    output: Path,
    split: Split | None = None,
    part: Part = "all",
    plugins: list[str] | None = None,
    device: Device = DEVICE,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Score jets, or representations, with every fitted score; higher is more anomalous.

    They are read and written batch by batch, so there may be more than fit in memory.

    Example: darkclr score mine.parquet runs/quick scores.parquet

    Args:
        jets: file, directory, glob or URL of jets of any layout, or Parquet of representations.
        model: directory with `encoder` and `scores`.
        output: Parquet file to write: one row a jet with id, label and raw scores.
        split: shares of the events (`--split.train` and so on), for `part`; those of the encoder's
            training if not given.
        part: part of the events to score.
        plugins: import paths of scores of your own that the model may name; their code is executed.
        device: device that encodes; `auto` takes a GPU if there is one.
        layout: layout of the file; it is recognised from the content if not given.
        options: how the file is read: cuts, label, clustering.
    """
    from darkclr.model import score_file

    with console.bar(f"score {sample_name(jets)}", None) as advance:
        scored = score_file(
            jets,
            model,
            output,
            split=split,
            part=part,
            plugins=plugins or (),
            device=torch_device(device),
            layout=layout,
            options=options,
            progress=advance,
        )
    console.line(f"{scored.n_jets} jets with {scored.n_scores} scores in {output}")


def evaluate(
    scores: list[Path], output: Path, evaluation: EvaluationConfig = EvaluationConfig()
) -> None:
    """Measure how well every score tells signal from background, and whether it follows pT.

    Area under the ROC curve, background rejection and significance improvement stand there twice:
    as simulated, and with background weighted to the pT spectrum of each signal, where a score
    gains nothing by following pT. Beside them is how far cuts on the scores change the spectra of
    background. Errors come from a bootstrap over events; weights are honoured. The files hold
    jets of both labels, 0 and 1.

    Example: darkclr evaluate '[qcd_scores.parquet, aachen_scores.parquet]' metrics.json

    Args:
        scores: Parquet files that `darkclr score` wrote, of background and of signal.
        output: JSON file to write the figures of merit to.
        evaluation: what is measured.
    """
    from darkclr.evaluation import evaluate as evaluate_scores
    from darkclr.evaluation import show_summary, write_metrics
    from darkclr.io.sources import refuse_own_input

    refuse_own_input([str(path) for path in scores], output)
    metrics = evaluate_scores(scores, evaluation)
    write_metrics(metrics, output)
    show_summary(metrics, console)
    console.line(f"figures of merit in {output}")


def report(run: Path, augmentations: Augmentations = Augmentations()) -> None:
    """Draw all pictures of a run directory and write one HTML page that opens from disk.

    Example: darkclr report runs/quick

    Args:
        run: directory that `darkclr run` wrote, or one with the same files.
        augmentations: augmentations of the training, for their picture; by default the paper's.
    """
    from darkclr.report import report as write_report

    console.line(f"report: {write_report(run, augmentations)}")
