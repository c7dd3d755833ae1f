"""Files of jets -> a trained encoder, and -> files of representations: batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

import torch

from darkclr.augmentations import Augmentations
from darkclr.contamination import CONTAMINATION, Contamination, SignalFilter
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_stream
from darkclr.contrastive.model_directory import is_finished, load_encoder
from darkclr.contrastive.pairs import EncoderVerdict, encoder_verdict
from darkclr.contrastive.training.loop import check_machine
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.contrastive.training.train import N_WATCHING, train
from darkclr.devices import PRECISION, Precision
from darkclr.domain import DomainCheck
from darkclr.io import atomic_path, iterate_jets
from darkclr.io.atomic import no_empty_folders
from darkclr.io.options import ReadOptions
from darkclr.io.parquet import TableWriter, read_table
from darkclr.io.representations import representations_metadata
from darkclr.io.sources import Source, check_output, sample_name
from darkclr.jets import Jets
from darkclr.reporter import Reporter, Silent
from darkclr.split import Split

__all__ = ["encode_file", "read_encoder_verdict", "train_file"]

_log = logging.getLogger(__name__)


def train_file(
    source: Source | Jets,
    directory: str | Path,
    *,
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    contamination: Contamination = CONTAMINATION,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    reporter: Reporter = Silent(),
) -> Encoder:
    """Train an encoder on the training part of files of jets, or of jets in memory.

    Jets of label 1, signal, are left out. Files are read in a stream, so there may be more jets
    than fit in memory. Other arguments and errors are those of
    :func:`~darkclr.contrastive.training.train`.

    Args:
        source: background jets: what :func:`~darkclr.io.reading.iterate_jets` reads, or jets.
        directory: where the encoder is written.
        split: shares of the events for training, validation and test.
        contamination: share of signal among the training jets, for the study of just that.
        layout, options: how files are read.
        reporter: hears of the progress.
    """
    directory = Path(directory)

    def part(name: str) -> Iterator[Jets]:
        return (batch.part(name, split) for batch in _batches(source, layout, options))

    training_part = SignalFilter(contamination, part("train"))
    others = copy(training_part)  # which counts for itself
    if not is_finished(directory):
        check_machine(training, loss)
    validation = _first(others.of(part("validation")), N_WATCHING)
    with no_empty_folders(directory):
        with reporter.bar("prepare", None, keep=False) as advance:
            jets = training_part.of(part("train"))
            background = PreparedJets.of(jets, encoder, directory, advance)
        if training_part.left_out:
            reporter.line(training_part.sentence())
        steps = len(background) // training.batch_size * training.epochs
        told = Silent() if is_finished(directory) else reporter
        with told.bar("train", steps * training.batch_size) as advance:
            trained = train(
                background,
                directory,
                validation=validation,
                encoder=encoder,
                augmentations=augmentations,
                loss=loss,
                training=training,
                split=split,
                progress=lambda n, terms: advance(n, _note(terms)),
            )
    if verdict := read_encoder_verdict(directory):
        reporter.line(verdict.sentence())
    return trained


def read_encoder_verdict(directory: Path) -> EncoderVerdict | None:
    """Whether an encoder collapsed, if its pairs are there; those of old models lack norms."""
    path = directory / "pairs.parquet"
    if not path.exists():
        return None
    table = read_table(path)
    pairs = {name: table[name].to_numpy() for name in table.column_names}
    complete = {"background_similarity", "norm", "anomalous_norm"} <= pairs.keys()
    return encoder_verdict(pairs) if complete else None


def encode_file(
    encoder: Encoder | str | Path,
    source: Source | Jets,
    output: str | Path,
    *,
    dropped: Augmentations | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    precision: Precision = PRECISION,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the representations of files of jets, or of jets in memory, to a Parquet file.

    Jets are read and written in a stream, so there may be more than fit in memory. Jets outside of
    what the encoder was trained on are marked, and a warning is logged.

    Args:
        encoder: a trained encoder, or its directory.
        source: what :func:`~darkclr.io.reading.iterate_jets` reads, or jets.
        output: Parquet file to write, one row a jet.
        dropped: if given, copies of every jet that its anomalous augmentations have altered, one
            of each family, follow the jets themselves.
        seed, device, precision, progress: as of :func:`~darkclr.contrastive.encoding.encode`.
        layout, options: how files are read.

    Returns:
        Number of jets, without their copies.

    Raises:
        InputError: an encoder or jets that cannot be read, or an output that cannot be written.
    """
    output = Path(output)
    if not isinstance(source, Jets):
        check_output(source, output, "representations")
    if not isinstance(encoder, Encoder):
        encoder = load_encoder(encoder)
    where = output.stem if isinstance(source, Jets) else sample_name(source)
    partons: bool | None = None  # as the first jets: a file has the same columns throughout
    origins: list[Mapping[str, Any]] = []
    with atomic_path(output) as temporary, closing(TableWriter(temporary)) as writer:
        for altered in (None,) if dropped is None else (None, dropped):
            check = DomainCheck(encoder.domain, encoder.config.n_constituents, where=where)
            encoded = encode_stream(
                encoder,
                map(check, _noting(_batches(source, layout, options), origins)),
                dropped=altered,
                seed=seed,
                device=device,
                precision=precision,
                progress=progress,
            )
            for rows, _ in encoded:
                partons = rows.parton_pdg is not None if partons is None else partons
                writer.write(rows.with_partons(partons).to_table())
        provenance = origins[0] if len(origins) == 1 else {"parts": origins}
        families = () if dropped is None else tuple(dropped.families)
        writer.finish(representations_metadata(provenance, encoder.digest(), families))
    if check.any_outside:
        _log.warning("%s: %s", where, check.sentence())
    return writer.n_rows // (1 + len(families))


def _batches(source: Source | Jets, layout: str | None, options: ReadOptions) -> Iterable[Jets]:
    if isinstance(source, Jets):
        return [source]
    return iterate_jets(source, layout=layout, options=options)


def _first(batches: Iterator[Jets], n: int) -> Jets:
    """The first ``n`` jets of a stream, or all."""
    taken: list[Jets] = []
    for batch in batches:
        taken.append(batch)
        if sum(map(len, taken)) >= n:
            break
    return Jets.concatenate(taken)[:n]


def _noting(batches: Iterable[Jets], origins: list[Mapping[str, Any]]) -> Iterator[Jets]:
    """The same batches; each new provenance is added to the list."""
    for batch in batches:
        if batch.provenance not in origins:
            origins.append(batch.provenance)
        yield batch


def _note(terms: Mapping[str, float]) -> str:
    """What stands behind the bar of a training; JetCLR has no anomalous view."""
    note = f"loss {terms['loss']:.2f}  alignment {terms['alignment']:.2f}"
    if "anomaly_similarity" in terms:
        note += f"  anomaly {terms['anomaly_similarity']:.2f}"
    return note
