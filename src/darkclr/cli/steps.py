"""The steps as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Literal

from darkclr import augmentations as augmentation_classes
from darkclr.augmentations import Augmentation, Augmentations
from darkclr.cli import console
from darkclr.cli.parsing.arguments import one_or_all
from darkclr.contamination import CONTAMINATION, Contamination
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.devices import DEVICE, PRECISION, Device, Precision, torch_device
from darkclr.domain import OUTSIDE, Outside
from darkclr.errors import ConfigError
from darkclr.evaluation.config import EvaluationConfig, WorkingPointsConfig
from darkclr.io.options import ReadOptions
from darkclr.split import Split
from darkclr.supervised.config import ProbeConfig

__all__ = [
    "describe_augmentations",
    "encode",
    "evaluate",
    "export",
    "probe",
    "report",
    "score",
    "show",
    "train",
    "workingpoints",
]

Part = Literal["train", "validation", "test", "all"]


def train(
    jets: list[str],
    model: Path,
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    contamination: Contamination = CONTAMINATION,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Train the encoder on the training part of a file of background jets.

    A jet and its rotated, shifted copy are pulled together, a copy with dropped constituents is
    pushed away. Jets of label 1, signal, are left out. A checkpoint is written after every epoch;
    the same command goes on from it.

    Example: darkclr train qcd.parquet runs/mine --config quick

    Args:
        jets: The files of background jets, of any layout; a directory or a URL is a file, too.
        model: The directory of the model; its sub-directory `encoder` gets the encoder.
        split: Shares of the events for training, validation and test.
        encoder: Architecture of the encoder.
        augmentations: Augmentations that make the views; a class of your own is named by its import
            path.
        loss: Contrastive loss, which is AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: Optimiser and schedule of the training.
        contamination: Share of signal jets (label 1) among those of the training, for the study of
            just that; otherwise there are none.
        layout: The layout of the files; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.contrastive.files import train_file

    train_file(
        one_or_all(jets),
        model / "encoder",
        split=split,
        encoder=encoder,
        augmentations=augmentations,
        loss=loss,
        training=training,
        contamination=contamination,
        layout=layout,
        options=options,
        reporter=console,
    )
    console.line(f"encoder in {model / 'encoder'}")


def encode(
    jets: list[str],
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

    Example: darkclr encode qcd.parquet runs/mine representations.parquet --dropped

    Args:
        jets: The files of jets, of any layout; a directory or a URL is a file, too.
        model: The directory that `darkclr train` wrote.
        output: The Parquet file that is written, one row a jet.
        dropped: A dropped copy of every jet is added, which `fit` needs for the discriminant; of
            several families, one copy of each.
        augmentations: Augmentations that make the dropped copies; by default the paper's.
        copies: Augmentations that make the dropped copies, if not those of the training.
        seed: The seed of the dropped copies.
        precision: The precision of the matrix products; `auto` takes bfloat16 where the hardware is
            fast in it.
        device: The device that computes; `auto` takes a GPU if there is one.
        layout: The layout of the files; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.contrastive.files import encode_file
    from darkclr.io.sources import known_number, sample_name

    altered = (copies or augmentations) if dropped else None
    n_views = 1 if altered is None else 1 + len(altered.families)
    total = (known_number(jets, options) or 0) * n_views or None
    with console.bar(f"encode {sample_name(jets)}", total) as advance:
        n_jets = encode_file(
            model / "encoder",
            one_or_all(jets),
            output,
            dropped=altered,
            seed=seed,
            device=torch_device(device),
            precision=precision,
            layout=layout,
            options=options,
            progress=advance,
        )
    console.line(f"{n_jets} jets in {output}")


def score(
    jets: list[str],
    model: Path,
    output: Path,
    split: Split | None = None,
    part: Part = "all",
    outside: Outside = OUTSIDE,
    working_points: list[float] | None = None,
    to: Literal["parquet", "root", "rntuple"] | None = None,
    plugins: list[str] | None = None,
    device: Device = DEVICE,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Score jets, or representations, with every fitted score; higher is more anomalous.

    Scores that know background from `darkclr workingpoints` or `darkclr run` come with p-values:
    the share of it that is at least as anomalous, which is never 0. Jets are read and written batch
    by batch, so there may be more than fit in memory.

    Example: darkclr score mine.parquet runs/quick scores.parquet

    Args:
        jets: The files of jets, of any layout, or of representations; a directory or a URL is a
            file, too.
        model: The directory with `encoder` and `scores`; of an ensemble that of one of its models,
            such as encoder-1/density-1.
        output: The Parquet file that is written: one row a jet with id, label, raw scores and
            p-values. With the suffix .root it is a tree.
        split: Shares of the events (`--split.train` and so on), for `part`; if they are not given,
            those of the encoder's training.
        part: The part of the events that is scored.
        outside: What becomes of jets outside of what the model was trained on (window, radius,
            detector): they stay and are marked in a column `in_domain`, they are left out, or the
            command stops.
        working_points: Background efficiencies of cuts that the model has, such as `[0.01]`; each
            adds a column to every score, `passes_SCORE_0.01`, that says which jets are above it.
        to: The format of the output, whatever its suffix; `rntuple` is the newer one of ROOT.
        plugins: The import paths of scores of your own that the model may name; their code is
            executed.
        device: The device that encodes; `auto` takes a GPU if there is one.
        layout: The layout of the files; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.io.sources import known_number, sample_name
    from darkclr.model import score_file

    total = known_number(jets, options) if part == "all" and outside == "keep" else None
    with console.bar(f"score {sample_name(jets)}", total) as advance:
        scored = score_file(
            one_or_all(jets),
            model,
            output,
            split=split,
            part=part,
            outside=outside,
            working_points=working_points or (),
            to=to,
            plugins=plugins or (),
            device=torch_device(device),
            layout=layout,
            options=options,
            progress=advance,
        )
    console.line(f"{scored.n_jets} jets with {scored.n_scores} scores in {output}")


def workingpoints(
    background: list[str],
    model: Path,
    cuts: WorkingPointsConfig,
    signals: list[str] | None = None,
    output: Path | None = None,
    split: Split | None = None,
    part: Part = "test",
    plugins: list[str] | None = None,
    device: Device = DEVICE,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Cut every score at given background efficiencies, and keep cuts and p-values with the model.

    The background must be some that no fit has seen: of the jets of the training, take the part
    `test`. Each cut comes with its statistical error, each signal with its efficiency. Where there
    are too few background jets for a cut there is none, and it is said how many are needed.
    `darkclr score` then gives p-values, and `darkclr export` takes them along.

    Example: darkclr workingpoints qcd.parquet runs/mine --signals '[aachen.parquet]'

    Args:
        background: The files of background jets, of any layout, or of representations; jets of
            label 1, signal, are left out.
        model: The directory with `encoder` and `scores`; each score gets a `working_points.json`.
        cuts: Which cuts are made.
        signals: Files of signal jets, or of their representations; each is a sample of its own, of
            which all jets count.
        output: A JSON file to which cuts and signal efficiencies are written.
        split: Shares of the events (`--split.train` and so on), for `part`; if they are not given,
            those of the encoder's training.
        part: The part of the background's events that counts.
        plugins: The import paths of scores of your own that the model may name; their code is
            executed.
        device: The device that encodes; `auto` takes a GPU if there is one.
        layout: The layout of the files; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.evaluation.metrics_file import write_cuts
    from darkclr.evaluation.summary import show_cuts
    from darkclr.io.sources import check_output
    from darkclr.model import calibrate_model

    if output is not None:
        check_output([*background, *(signals or ())], output, "JSON")
    with console.bar("score", None) as advance:
        found = calibrate_model(
            one_or_all(background),
            model,
            cuts,
            signals=signals or (),
            split=split,
            part=part,
            plugins=plugins or (),
            device=torch_device(device),
            layout=layout,
            options=options,
            progress=advance,
        )
    show_cuts(list(found.values()), console)
    if output is not None:
        write_cuts(found, output)
    console.line(f"working points of {len(found)} scores in {model / 'scores'}")


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


def show(
    jets: list[str],
    model: Path,
    output: Path,
    by: str | None = None,
    n_jets: int = 10,
    neighbours: int = 3,
    among: str | None = None,
    augmentations: Augmentations = Augmentations(),
    copies: Augmentations | None = None,
    split: Split | None = None,
    part: Part = "all",
    outside: Outside = "drop",
    plugins: list[str] | None = None,
    device: Device = DEVICE,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Draw the most anomalous jets as event displays in η and φ, a PNG each and one PDF.

    Beside each jet stand its augmented copies, the jets that are next to it in the representation,
    and all scores with their p-values, where `darkclr workingpoints` or `darkclr run` has
    calibrated them.

    Example: darkclr show mine.parquet runs/quick displays --n_jets 5

    Args:
        jets: The files of jets, of any layout; a directory or a URL is a file, too.
        model: The directory with `encoder` and `scores`.
        output: The folder of the pictures.
        by: The score that puts the jets in order. By default it is the smallest p-value of all
            scores that are no yardsticks, or, without p-values, the first of these scores.
        n_jets: The number of jets.
        neighbours: The number of neighbours beside each jet.
        among: The file of jets among which neighbours are sought, such as background; by default
            the jets themselves. The first 50 000 count.
        augmentations: Augmentations that make the copies; by default the paper's.
        copies: Augmentations that make the copies, if not those of the training.
        split: Shares of the events (`--split.train` and so on), for `part`; if they are not given,
            those of the encoder's training.
        part: The part of the events that is looked at.
        outside: What becomes of jets outside of what the model was trained on: they are left out,
            they are shown with a warning, or the command stops.
        plugins: The import paths of scores of your own that the model may name; their code is
            executed.
        device: The device that encodes; `auto` takes a GPU if there is one.
        layout: The layout of the files; if it is not given, their columns tell it.
        options: How the files are read: cuts, label, clustering.
    """
    from darkclr.io.sources import known_number, sample_name
    from darkclr.report.most_anomalous import show as show_jets

    if n_jets < 1 or neighbours < 0:
        name, number, least = ("n_jets", n_jets, 1) if n_jets < 1 else ("neighbours", neighbours, 0)
        raise ConfigError(f"{name} = {number}; it must be at least {least}", where="show")
    with console.bar(f"score {sample_name(jets)}", known_number(jets, options)) as advance:
        pictures = show_jets(
            one_or_all(jets),
            model,
            output,
            by=by,
            n_jets=n_jets,
            n_neighbours=neighbours,
            among=among,
            copies=copies or augmentations,
            split=split,
            part=part,
            outside=outside,
            plugins=plugins or (),
            device=torch_device(device),
            layout=layout,
            options=options,
            progress=advance,
        )
    console.line(f"{len(pictures) - 1} jets in {output}, and all of them in {pictures[-1]}")


def report(run: Path, augmentations: Augmentations = Augmentations()) -> None:
    """Draw all pictures of a run directory and write one HTML page that opens from disk.

    Example: darkclr report runs/quick

    Args:
        run: The directory that `darkclr run` wrote, or one with the same files.
        augmentations: Augmentations of the training, for their picture; by default the paper's.
    """
    from darkclr.report import report as write_report

    console.line(f"report: {write_report(run, augmentations)}")


def export(model: Path, output: Path, scores: list[str] | None = None) -> None:
    """Write a model as one ONNX file, for onnxruntime in Python, C++ or a trigger.

    Constituents go in, padded with zeros: (jets, constituents, 3) of pT [GeV], eta and phi, any
    number of both. The N_c hardest are taken and centred inside. Out come z, the pooled
    representation, each score, and the p-values of those that `darkclr workingpoints` has
    calibrated. Scores that can be exported: norm, discriminant, autoencoder, nae, nae_onmanifold,
    nae_persistent, nae_thesis, nae_trigger, nae_cms2023, nae_wasserstein, knn, mahalanobis,
    gaussian_mixture, flow, dirichlet_vae, few_constituents, jet_pt, and a combination of these.

    Example: darkclr export runs/quick model.onnx

    Args:
        model: The directory with `encoder` and `scores`.
        output: The ONNX file that is written.
        scores: The names of the scores that are written; by default all that can be exported.
    """
    from darkclr.export import export as export_model

    done = export_model(model, output, scores)
    if done.left_out:
        console.line(f"not exported, for they read more than ONNX has: {', '.join(done.left_out)}")
    console.line(f"{', '.join(done.outputs)} in {output}")


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


def describe_augmentations() -> str:
    """All augmentations, a line each."""
    lines = ["augmentations, by their class:"]
    for name in augmentation_classes.__all__:
        kind = getattr(augmentation_classes, name)
        if isinstance(kind, type) and issubclass(kind, Augmentation) and kind is not Augmentation:
            summary = (kind.__doc__ or "").strip().splitlines()[0]
            lines += textwrap.wrap(
                f"{name:<22}{summary}", 96, initial_indent="  ", subsequent_indent=" " * 24
            )
    lines += [
        "",
        "`darkclr train --augmentations.anomalous.help CLASS` shows the options of one. In a file:",
        "`anomalous: [{class_path: darkclr.augmentations.CLASS, init_args: {OPTION: VALUE}}]`.",
    ]
    return "\n".join(lines)
