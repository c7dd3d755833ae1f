"""Encoders as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

import textwrap
from pathlib import Path

from darkclr import augmentations as augmentation_classes
from darkclr.augmentations import Augmentation, Augmentations
from darkclr.cli import console
from darkclr.cli.parsing.arguments import one_or_all
from darkclr.contamination import CONTAMINATION, Contamination
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.devices import DEVICE, PRECISION, Device, Precision, torch_device
from darkclr.io.options import ReadOptions
from darkclr.split import Split

__all__ = [
    "describe_augmentations",
    "encode",
    "train",
]


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
