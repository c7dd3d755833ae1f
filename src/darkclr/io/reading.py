"""Jets from files of any layout, in batches or all at once."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from darkclr.errors import InputError
from darkclr.io.containers import explained, opened
from darkclr.io.kinematics_check import spot_check
from darkclr.io.layouts import Recognised, choose, layout_named
from darkclr.io.options import BATCH_SIZE, ReadOptions
from darkclr.io.raw_jets import checked_jets, clustered_jets
from darkclr.io.sources import Source, expand, fetched
from darkclr.jets import Jets
from darkclr.selection import cut_constituents, select_jets

__all__ = ["iterate_jets", "jets_by_file", "read_jets", "recognise"]

_log = logging.getLogger(__name__)

_SOFT = 1.0  # GeV; no detector measures jets of less, in whatever collisions
_CUTS = ("pt_min", "pt_max", "abs_eta_max", "n_constituents", "constituent_pt_min")


def iterate_jets(
    source: Source,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    batch_size: int = BATCH_SIZE,
    kinds: bool = False,
) -> Iterator[Jets]:
    """Jets of one or many files, batch by batch: memory is that of a batch.

    Args:
        source: a file, a folder, a glob pattern, a URL that fsspec opens, or a list of them.
        layout: name of the layout; by default each file's is recognised.
        options: cuts, label, clustering.
        batch_size: about so many jets are read at a time. Batches differ in length: cuts
            remove jets, events have several.
        kinds: whether constituents get their kinds, where the file tells them.

    Yields:
        Jets, never none; each batch of one file. Files whose rows are their event numbers are
        numbered on from one file to the next.

    A warning is logged for the first batch of a file whose jets do not fit the sum of their
    constituents, for what is left out, and for empty files, which are passed over.

    Raises:
        InputError: a file that cannot be read, or no jets that pass the cuts.
        MissingExtraError: a library for this kind of files is not installed.
    """
    for _, _, batches in jets_by_file(
        source, layout=layout, options=options, batch_size=batch_size, kinds=kinds
    ):
        yield from batches


def jets_by_file(
    source: Source,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    batch_size: int = BATCH_SIZE,
    kinds: bool = False,
) -> Iterator[tuple[str, Recognised, Iterator[Jets]]]:
    """Files one after the other: name, layout, and batches of jets, read before the next file.

    See :func:`iterate_jets` for arguments and errors. Files without rows are passed over.
    """
    next_event, kept, removed = 0, 0, 0

    def batches(name: str, path: Path, found: Recognised) -> Iterator[Jets]:
        nonlocal next_event, kept, removed
        shift = 0 if found.layout.numbers_events else next_event
        warned = False
        for jets in _jets_of(found, name, path, options, batch_size, kinds):
            # Before the cuts: without its soft constituents no jet is their sum.
            if not warned and (problem := spot_check(jets).problem or _softness(jets)):
                _log.warning("%s: %s", name, problem)
                warned = True
            if shift:
                provenance = {**jets.provenance, "first_event": shift}
                jets = replace(jets, event=jets.event + shift, provenance=provenance)
            next_event = max(next_event, int(jets.event.max()) + 1)
            passed = _noted(_cut(jets, options), options)
            kept += len(passed)
            removed += len(jets) - len(passed)
            if len(passed):
                yield passed

    with_rows = False
    for name in expand(source):
        with fetched(name) as path, _opened(path, layout, options) as found:
            if found is not None and found.table.n_rows:
                with_rows = True
                yield name, found, batches(name, path, found)
            else:
                what = "holds no tables" if found is None else "has no rows"
                _log.warning("%s: %s and is left out", name, what)
    if removed:
        _log.info("%d of %d jets removed by the cuts", removed, kept + removed)
    if not kept:
        reason = f"none of {removed} jets passes the cuts" if removed else "there are no jets"
        fix = "check the cuts and the units" if with_rows else "give files with jets or events"
        where = source if isinstance(source, str | os.PathLike) else ", ".join(map(str, source))
        raise InputError(reason, where=where, fix=fix)


def read_jets(
    source: Source,
    *,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    kinds: bool = False,
) -> Jets:
    """All jets of one or many files, of any layout.

    See :func:`iterate_jets` for arguments and errors.
    """
    batches = list(iterate_jets(source, layout=layout, options=options, kinds=kinds))
    return batches[0] if len(batches) == 1 else Jets.concatenate(batches)


def recognise(
    path: Path, layout: str | None = None, options: ReadOptions = ReadOptions()
) -> Recognised:
    """The layout of a local file, from what is in it and not from its name.

    Args:
        path: the file.
        layout: name of the layout, to skip the search.
        options: name the table where the file holds several.

    Returns:
        Layout, table and reason; the file is closed again.

    Raises:
        InputError: no such file, a broken one, one of no known layout or with several tables.
        ConfigError: there is no such layout.
    """
    with _opened(path, layout, options) as found:
        if found is None:
            raise InputError("the file holds no tables", where=path)
        return found


@contextmanager
def _opened(path: Path, layout: str | None, options: ReadOptions) -> Iterator[Recognised | None]:
    """The table of jets in a local file, if it has any tables; the file is open in the block."""
    path = Path(path)
    if layout is not None:
        layout_named(layout)  # refused whatever the file is
    with opened(path) as (container, tables):
        yield choose(path, container, tables, layout=layout, table=options.table)


def _jets_of(
    found: Recognised, name: str, path: Path, options: ReadOptions, batch_size: int, kinds: bool
) -> Iterator[Jets]:
    """Checked jets of a table, before any cut on jets."""
    reader = found.layout(found.table, options)
    reader.kinds = kinds
    make = clustered_jets if found.layout.holds_events else checked_jets
    left_out: Counter[str] = Counter()
    with explained(path, found.container):
        for start, raw in reader.batches(batch_size):
            jets = make(
                raw,
                options=reader.options,
                start=start,
                where=path,
                provenance=reader.provenance(),
                left_out=left_out,
            )
            if jets is not None:
                yield jets
    for what, n in (+left_out).items():
        _log.warning("%s: %d %s left out", name, n, what)


def _softness(jets: Jets) -> str | None:
    """One sentence if not one of the jets has a pT that jets have."""
    hardest = jets.pt.max()
    if hardest >= _SOFT:
        return None
    return f"the hardest of {len(jets)} jets has pT = {hardest:.3g} GeV: its numbers may be TeV"


def _noted(jets: Jets, options: ReadOptions) -> Jets:
    """The jets with the cuts of the options, if there are any, in their provenance."""
    cuts = {name: value for name in _CUTS if (value := getattr(options, name))}
    if not cuts:
        return jets
    before = jets.provenance.get("cuts", [])
    before = before if isinstance(before, list) else []
    return replace(jets, provenance={**jets.provenance, "cuts": [*before, cuts]})


def _cut(jets: Jets, options: ReadOptions) -> Jets:
    if options.select_label is not None:
        jets = jets[jets.label == options.select_label]
    jets = cut_constituents(
        jets, pt_min=options.constituent_pt_min, n_hardest=options.n_constituents
    )
    return select_jets(
        jets,
        pt_min=options.pt_min or 0.0,
        pt_max=options.pt_max,
        abs_eta_max=options.abs_eta_max,
    )
