"""A model directory, an encoder and the scores that were fitted on its representations, at work."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import torch

from darkclr import __version__
from darkclr.anomaly.fitted import FittedScore
from darkclr.anomaly.scoring import calibrate, load_scores, score_table
from darkclr.anomaly.working_points import WorkingPoint
from darkclr.contrastive.encoding import CHUNK, encode_stream
from darkclr.contrastive.model_directory import (
    is_finished,
    load_encoder,
    model_parts,
    training_split,
)
from darkclr.domain import OUTSIDE, DomainCheck, Outside
from darkclr.errors import ConfigError, InputError
from darkclr.evaluation.config import WorkingPointsConfig
from darkclr.evaluation.results import Cut, FigureOfMerit
from darkclr.io import atomic_path, iterate_jets
from darkclr.io.chunks import in_chunks
from darkclr.io.options import ReadOptions
from darkclr.io.parquet import read_metadata
from darkclr.io.representations import holds_representations, iterate_representations
from darkclr.io.sources import Source, check_output, sample_name
from darkclr.io.writers import table_writer
from darkclr.jets import SIGNAL, Jets
from darkclr.representations import Representations
from darkclr.split import Split

__all__ = ["Batch", "Scored", "calibrate_model", "score_file", "scored_batches"]

_log = logging.getLogger(__name__)

# Suffixes of formats that scores are not written in; whoever asks for them must not get another.
_NOT_WRITTEN = frozenset((".csv", ".tsv", ".txt", ".json", ".h5", ".hdf5", ".hdf", ".npy", ".npz"))


class Batch(NamedTuple):
    """Scored jets: one row of the table and of the representations each."""

    table: pa.Table
    rows: Representations
    jets: Jets | None
    """The jets themselves; None where representations were scored."""


class Scored(NamedTuple):
    """What went into a file of scores."""

    n_jets: int
    n_scores: int


def score_file(
    source: Source,
    model: str | Path,
    output: str | Path,
    *,
    split: Split | None = None,
    part: str = "all",
    plugins: Collection[str] = (),
    outside: Outside = OUTSIDE,
    working_points: Sequence[float] = (),
    to: str | None = None,
    device: str | torch.device = "cpu",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[int], None] | None = None,
) -> Scored:
    """Score files of jets, or a file of representations, with every fitted score of a model.

    They are read and written in a stream, so there may be more than fit in memory. Jets outside of
    what the model was trained on are marked in a column ``in_domain``, and a warning is logged.
    Scores that are calibrated have a column of p-values, too.

    Args:
        source: what :func:`~darkclr.io.reading.iterate_jets` reads, or files of representations.
        model: directory with ``encoder`` and ``scores``; or one of an ensemble, as
            :func:`~darkclr.contrastive.model_directory.model_parts` finds it.
        output: Parquet file to write, the table of :func:`~darkclr.anomaly.scoring.score_table`;
            a tree, if its name ends with .root.
        split: shares of the events, for ``part``; those of the encoder's training if None.
        part: 'train', 'validation', 'test' or 'all' of the events.
        plugins: import paths of scores of your own that the model may name; their code is executed.
        outside: whether jets outside are kept, dropped or an error.
        working_points: background efficiencies of cuts; which jets pass each becomes a column.
        to: "parquet", "root" (a tree) or "rntuple", whatever the name of the output.
        device: where to encode.
        layout, options: how files of jets are read.
        progress: called with the number of jets of each batch.

    Raises:
        ConfigError: no score has a cut at that background efficiency, or the output has the suffix
            of another format.
        InputError: jets or a model that cannot be read, no jets in this part, or jets outside.
    """
    model, output = Path(model), Path(output)
    check_output(source, output, "scores")
    suffix = output.suffix.lower()
    if to is None and suffix in _NOT_WRITTEN:
        raise ConfigError(
            f"{suffix} is no format of scores", where=output, fix="name the file .parquet or .root"
        )
    to = to or ("root" if suffix == ".root" else "parquet")
    fits = model_parts(model).scores
    scores = load_scores(fits, plugins=plugins)
    _check_cuts(scores, working_points, fits)
    batches = scored_batches(
        source,
        model,
        scores,
        split=split,
        part=part,
        outside=outside,
        working_points=working_points,
        device=device,
        layout=layout,
        options=options,
    )
    metadata: dict[str, Any] = {}
    with atomic_path(output) as temporary, closing(table_writer(temporary, to, "scores")) as writer:
        for table, _, _ in batches:
            metadata = metadata or read_metadata(table)
            writer.write(table)
            if progress is not None:
                progress(len(table))
        writer.finish({**metadata, "darkclr": __version__, "input": _names(source)})
    return Scored(writer.n_rows, len(scores))


def calibrate_model(
    background: Source,
    model: str | Path,
    config: WorkingPointsConfig,
    *,
    signals: Sequence[Source] = (),
    split: Split | None = None,
    part: str,
    plugins: Collection[str] = (),
    device: str | torch.device = "cpu",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[int], None] | None = None,
) -> dict[str, tuple[str, list[Cut]]]:
    """Working points of every score of a model, written beside its fits.

    Args:
        background: as ``source`` of :func:`score_file`; jets of label 1, signal, are left out.
        model: directory with ``encoder`` and ``scores``.
        config: which cuts.
        signals: further samples, whose share above each cut is measured.
        split, part: of the background; the fits must not have seen it. Signals are taken whole.
        plugins, device, layout, options, progress: as of :func:`score_file`.

    Returns:
        Title and cuts of each score, by its name.

    Raises:
        InputError: jets or a model that cannot be read, or no background in this part.
    """
    model, fits = Path(model), model_parts(model).scores
    scores = load_scores(fits, plugins=plugins)
    columns = ["label", "event", "weight", *(score.name for score in scores)]

    def table(source: Source, part: str) -> pa.Table:
        read = scored_batches(
            source,
            model,
            scores,
            split=split,
            part=part,
            device=device,
            layout=layout,
            options=options,
        )
        parts = []
        for scored, _, _ in read:
            parts.append(scored.select(columns))
            if progress is not None:
                progress(len(scored))
        return pa.concat_tables(parts)

    own = table(background, part)
    of_signals = {sample_name(source): table(source, "all") for source in signals}
    if n_signal := pc.sum(pc.equal(own["label"], SIGNAL)).as_py():
        _log.warning("%d jets of label 1, signal, are left out", n_signal)
        own = own.filter(pc.not_equal(own["label"], SIGNAL))
    found = calibrate(
        own,
        scores,
        fits,
        background_efficiencies=config.cuts_at,
        minimum_jets=config.minimum_jets,
        background={"files": _names(background), "part": part},
    )

    def cut(point: WorkingPoint, name: str) -> Cut:
        efficiencies = {
            signal: FigureOfMerit(
                *point.efficiency(
                    *(rows[column].to_numpy() for column in (name, "weight", "event"))
                )
            )
            for signal, rows in of_signals.items()
        }
        return Cut(point, efficiencies)

    return {
        score.name: (
            score.definition.title,
            [cut(point, score.name) for point in found[score.name].working_points],
        )
        for score in scores
    }


def _check_cuts(scores: Sequence[FittedScore], wanted: Sequence[float], where: Path) -> None:
    """Refuse cuts that no score has, and say which scores lack one.

    Raises:
        ConfigError: no score has it.
    """
    for share in wanted:
        points = {s.name: s.calibration and s.calibration.point(share) for s in scores}
        having = [name for name, point in points.items() if point and point.cut is not None]
        if not having:
            problems = (point.problem for point in points.values() if point and point.problem)
            why = next((f": {problem}" for problem in problems), "")
            raise ConfigError(
                f"no score has a cut at the background efficiency {share:g}{why}",
                where=where,
                fix="make it with `darkclr workingpoints`; `darkclr info` shows those that are "
                "there",
            )
        for name, point in points.items():
            if name not in having:
                why = (point and point.problem) or "it has no working points"
                _log.warning("%s has no cut at %g and no column of it: %s", name, share, why)


def _names(source: Source) -> list[str]:
    """Names of the files of a source, as they were given."""
    files = [source] if isinstance(source, str | os.PathLike) else source
    return [os.fspath(file) for file in files]


def scored_batches(
    source: Source,
    model: Path,
    scores: Sequence[FittedScore],
    *,
    split: Split | None,
    part: str,
    device: str | torch.device,
    layout: str | None,
    options: ReadOptions,
    outside: Outside = OUTSIDE,
    working_points: Sequence[float] = (),
    kinds: bool = False,
) -> Iterator[Batch]:
    """The jets of a source with their scores, batch by batch.

    Args:
        scores: fitted scores of the model.
        kinds: as of :func:`~darkclr.io.reading.iterate_jets`.
        source, model, split, part, device, layout, options, outside, working_points: as of
            :func:`score_file`.

    Raises:
        InputError: as of :func:`score_file`.
    """
    files = [source] if isinstance(source, str | os.PathLike) else list(source)
    directory = model_parts(model).encoder
    split = split or training_split(directory)
    name, coded = sample_name(source), all(holds_representations(file) for file in files)
    # Representations need no encoder; one that is there knows its domain.
    known = not coded or is_finished(directory)
    encoder = load_encoder(directory) if known else None
    domain, n_read = (encoder.domain, encoder.config.n_constituents) if encoder else (None, 0)
    check = DomainCheck(domain, n_read, outside, name)

    def representations() -> Iterator[tuple[Representations, Jets | None]]:
        if coded:
            read = chain.from_iterable(iterate_representations(file, CHUNK) for file in files)
            chosen = (rows.part(part, split) for rows in read)
            for rows in in_chunks((check(rows[~rows.dropped]) for rows in chosen), CHUNK):
                yield rows, None
        else:
            batches = iterate_jets(source, layout=layout, options=options, kinds=kinds)
            chosen_jets = (check(batch.part(part, split)) for batch in batches)
            assert encoder is not None  # or all files hold representations
            yield from encode_stream(encoder, chosen_jets, device=device)

    partons: bool | None = None  # as the first jets: a file has the same columns throughout
    for rows, content in representations():
        partons = rows.parton_pdg is not None if partons is None else partons
        table = score_table(
            {name: rows.with_partons(partons)},
            scores,
            jets=None if content is None else {name: content},
            p_values=True,
            working_points=working_points,
        )
        yield Batch(table, rows, content)
    if partons is None:
        none = check.sentence() if check.any_outside else f"there are no jets in the part {part!r}"
        raise InputError(none, where=source)
    if check.any_outside:
        _log.warning("%s: %s", name, check.sentence())
