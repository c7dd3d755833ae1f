"""A model directory, an encoder and the scores that were fitted on its representations, at work."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import CHUNK, encode_stream
from darkclr.contrastive.model_directory import is_finished, load_encoder, training_split
from darkclr.domain import OUTSIDE, DomainCheck, Outside
from darkclr.errors import InputError
from darkclr.io import atomic_path, iterate_jets
from darkclr.io.chunks import in_chunks
from darkclr.io.options import ReadOptions
from darkclr.io.parquet import TableWriter, read_metadata
from darkclr.io.representations import holds_representations, iterate_representations
from darkclr.io.sources import Source, check_output, sample_name
from darkclr.jets import Jets
from darkclr.representations import Representations
from darkclr.split import Split

__all__ = ["Scored", "score_file"]

_log = logging.getLogger(__name__)


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
    device: str | torch.device = "cpu",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[int], None] | None = None,
) -> Scored:
    """Score files of jets, or a file of representations, with every fitted score of a model.

    They are read and written in a stream, so there may be more than fit in memory. Jets outside of
    what the model was trained on are marked in a column ``in_domain``, and a warning is logged.

    Args:
        source: what :func:`~darkclr.io.reading.iterate_jets` reads, or files of representations.
        model: directory with ``encoder`` and ``scores``.
        output: Parquet file to write, the table of :func:`~darkclr.anomaly.scoring.score_table`.
        split: shares of the events, for ``part``; those of the encoder's training if None.
        part: 'train', 'validation', 'test' or 'all' of the events.
        plugins: import paths of scores of your own that the model may name; their code is executed.
        outside: whether jets outside are kept, dropped or an error.
        device: where to encode.
        layout, options: how files of jets are read.
        progress: called with the number of jets of each batch.

    Raises:
        InputError: jets or a model that cannot be read, no jets in this part, or jets outside.
    """
    model, output = Path(model), Path(output)
    check_output(source, output, "scores")
    files = [source] if isinstance(source, str | os.PathLike) else list(source)
    split = split or training_split(model / "encoder")
    name, coded = sample_name(source), all(holds_representations(file) for file in files)
    # Representations need no encoder; one that is there knows its domain.
    known = not coded or is_finished(model / "encoder")
    encoder = load_encoder(model / "encoder") if known else Encoder()
    check = DomainCheck(encoder.domain, encoder.config.n_constituents, outside, name)

    def representations() -> Iterator[tuple[Representations, Jets | None]]:
        if coded:
            read = chain.from_iterable(iterate_representations(file, CHUNK) for file in files)
            chosen = (rows.part(part, split) for rows in read)
            for rows in in_chunks((check(rows[~rows.dropped]) for rows in chosen), CHUNK):
                yield rows, None
        else:
            batches = iterate_jets(source, layout=layout, options=options)
            chosen_jets = (check(batch.part(part, split)) for batch in batches)
            yield from encode_stream(encoder, chosen_jets, device=device)

    scores = load_scores(model / "scores", plugins=plugins)
    metadata: dict[str, Any] = {}
    partons: bool | None = None  # as the first jets: a file has the same columns throughout
    with atomic_path(output) as temporary, closing(TableWriter(temporary)) as writer:
        for rows, content in representations():
            there = None if content is None else {name: content}
            partons = rows.parton_pdg is not None if partons is None else partons
            table = score_table({name: rows.with_partons(partons)}, scores, jets=there)
            metadata = metadata or read_metadata(table)
            writer.write(table)
            if progress is not None:
                progress(len(rows))
        if not writer.n_rows:
            none = (
                check.sentence() if check.any_outside else f"there are no jets in the part {part!r}"
            )
            raise InputError(none, where=source)
        writer.finish(metadata)
    if check.any_outside:
        _log.warning("%s: %s", name, check.sentence())
    return Scored(writer.n_rows, len(scores))
