"""Jets from any layout into one of ours, in a stream: memory is that of one batch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import darkclr
from darkclr.duplicates import FirstOccurrence
from darkclr.errors import ConfigError, DarkclrError, InputError
from darkclr.io.atomic import atomic_path
from darkclr.io.containers import opened
from darkclr.io.options import BATCH_SIZE, TOP_TAGGING_SLOTS, ReadOptions
from darkclr.io.reading import iterate_jets
from darkclr.io.sources import check_output, known_number
from darkclr.io.writers import (
    JetsWriter,
    TopTaggingWriter,
    Writer,
    table_writer,
    target_of,
)
from darkclr.jets import Jets
from darkclr.reporter import Reporter, Silent
from darkclr.reweighting import matching_rows

__all__ = ["Conversion", "convert"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conversion:
    """What a conversion did.

    Args:
        jets: number of jets written.
        constituents: number of their constituents.
        duplicates: number of jets left out as duplicates.
        unmatched: number of jets left out to match the pT spectrum.
        lost: what the jets had and the target has no place for.
    """

    jets: int
    constituents: int
    duplicates: int
    unmatched: int
    lost: tuple[str, ...]


def convert(
    source: Any,
    output: str | Path,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    to: str | None = None,
    slots: int = TOP_TAGGING_SLOTS,
    deduplicate: bool = False,
    match_pt: Any = None,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
    overwrite: bool = False,
    reporter: Reporter = Silent(),
) -> Conversion:
    """Write jets of any layout as Parquet, ROOT or top-tagging HDF5.

    The file gets its name when it is complete. Peak memory does not depend on the number of jets,
    but for 8 bytes a jet with ``deduplicate`` and 9 bytes a jet with ``match_pt``.

    Args:
        source: file, directory, glob, list or URL.
        output: file to write; its suffix says the layout.
        layout: of the source; recognised from its content if None.
        options: how it is read: cuts, label.
        to: of :data:`~darkclr.io.writers.TARGETS`, whatever the suffix of the output.
        slots: constituents a jet in top-tagging HDF5.
        deduplicate: leave out jets whose constituents are those of an earlier jet.
        match_pt: source of jets whose pT spectrum is to be matched by leaving out jets at
            random; the input is read twice.
        seed: of that choice.
        batch_size: rows in memory at a time.
        overwrite: replace a file that is there, whatever it is; otherwise only one that was
            converted from the same source.
        reporter: told how far the conversion is, and what it left out.

    Raises:
        InputError: unreadable input, no jets left, a jet too long, the output is part of the
            input or somebody else's file, the disk is full; nothing is left behind.
        ConfigError: the output's layout is unknown, or there are no rows in a batch.
    """
    output = Path(output)
    if batch_size < 1:
        raise ConfigError(f"{batch_size}", where="batch_size", fix="give at least 1")
    check_output(source, output)
    if output.exists() and not overwrite and converted_from(output) != _name(source):
        raise InputError(
            "is there already, and was not converted from the same source",
            where=output,
            fix="name another file, or replace it with the option overwrite",
        )
    target = target_of(output, to)

    def batches(kinds: bool) -> Iterator[Jets]:
        return iterate_jets(
            source, layout=layout, options=options, batch_size=batch_size, kinds=kinds
        )

    first = FirstOccurrence() if deduplicate else None
    matched = (
        None if match_pt is None else _matched(batches(kinds=False), match_pt, seed, batch_size)
    )
    record = {
        "source": _name(source),
        "options": {k: v for k, v in asdict(options).items() if v != getattr(ReadOptions(), k)},
        "layout": layout,
        "deduplicate": deduplicate,
        "match_pt": None if match_pt is None else {"reference": _name(match_pt), "seed": seed},
        "darkclr": darkclr.__version__,
    }
    rows = jets_written = constituents = duplicates = unmatched = 0
    origins: list[Mapping[str, Any]] = []
    with (
        reporter.bar("convert", known_number(source, options)) as advance,
        atomic_path(output) as temporary,
        closing(_writer(target, temporary, output, slots)) as w,
    ):
        for batch in batches(kinds=True):
            if batch.provenance not in origins:
                origins.append(batch.provenance)
            n = len(batch)
            if matched is not None:
                batch = batch[matched[rows : rows + n]]
                unmatched += n - len(batch)
            rows += n
            if first is not None and len(batch):
                n = len(batch)
                batch = batch[first(batch)]
                duplicates += n - len(batch)
            if not len(batch):
                continue
            w.write(batch)
            jets_written += len(batch)
            constituents += len(batch.constituents.pt)
            advance(len(batch))
        if not jets_written:
            raise InputError("no jets are left", where=_name(source), fix="loosen the cuts")
        w.finish(_provenance(origins, {k: v for k, v in record.items() if v}))
    if deduplicate:
        reporter.line(f"{duplicates} duplicates left out")
    if match_pt is not None:
        reporter.line(f"{unmatched} jets left out to match the pT spectrum of {_name(match_pt)}")
    if w.lost():
        reporter.line(f"not in the file, for want of a place: {', '.join(w.lost())}")
    reporter.line(f"{jets_written} jets with {constituents} constituents in {output}")
    return Conversion(jets_written, constituents, duplicates, unmatched, w.lost())


def converted_from(path: Path) -> Any:
    """The source of a file that :func:`convert` wrote; None for any other file."""
    try:
        with opened(path) as (_, tables):
            return tables[0].metadata["provenance"]["converted"]["source"]
    except (DarkclrError, LookupError, TypeError):  # not a table of jets, or of somebody else
        return None


def _writer(target: str, path: Path, where: Path, slots: int) -> Writer:
    if target == "top_tagging":
        return TopTaggingWriter(path, where, slots)
    return JetsWriter(table_writer(path, target, "jets"), where)


def _matched(batches: Iterator[Jets], reference: Any, seed: int, size: int) -> NDArray[np.bool_]:
    """Mask of the rows to keep, from pT and weight of all of them."""
    spectra = []
    for part in (batches, iterate_jets(reference, batch_size=size)):
        columns = [(jets.pt, jets.weight) for jets in part]
        spectra += [np.concatenate(x) for x in zip(*columns, strict=True)]
    return matching_rows(*spectra, seed=seed)


def _provenance(origins: list[Mapping[str, Any]], record: dict[str, Any]) -> dict[str, Any]:
    if len(origins) == 1:
        return {**origins[0], "converted": record}
    return {"parts": [dict(origin) for origin in origins], "converted": record}


def _name(source: Any) -> Any:
    """The source as plain data for the record."""
    return [str(x) for x in source] if isinstance(source, list | tuple) else str(source)
