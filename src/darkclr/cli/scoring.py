"""Scores of jets as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from darkclr.augmentations import Augmentations
from darkclr.cli import console
from darkclr.cli.parsing.arguments import one_or_all
from darkclr.devices import DEVICE, Device, torch_device
from darkclr.domain import OUTSIDE, Outside
from darkclr.errors import ConfigError
from darkclr.evaluation.config import WorkingPointsConfig
from darkclr.io.options import ReadOptions
from darkclr.split import Split

__all__ = [
    "export",
    "score",
    "show",
    "workingpoints",
]

Part = Literal["train", "validation", "test", "all"]


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
