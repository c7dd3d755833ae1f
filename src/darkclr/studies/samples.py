"""Samples of a study: simulated, or your own jets from files of any layout."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkclr.errors import ConfigError, DarkclrError, InputError
from darkclr.io import ReadOptions, atomic_path
from darkclr.io.parquet import TableWriter, read_metadata, read_schema
from darkclr.io.reading import jets_by_file, recognise
from darkclr.io.sources import expand, is_url
from darkclr.io.writers.native import JetsWriter
from darkclr.jets import UNKNOWN, Jets
from darkclr.reporter import Advance, Reporter
from darkclr.studies.sample_config import Look, Sample

__all__ = ["FILE", "FILE_EVENT", "look_at", "refuse_changed", "refuse_shared", "take_in"]

#: Truth columns of jets that were taken in: position in the list of files, event in that file.
FILE, FILE_EVENT = "file", "file_event"

# Rows of each file that are read to see whether they are jets.
_LOOK = 1000


def look_at(name: str, sample: Sample, label: int) -> Look:
    """See that files are there and hold jets, without reading all of them.

    A sample that is simulated from a file of events is one that must not hold jets.

    Raises:
        ConfigError: jets are given as events.
        InputError: a file that is missing or no file of jets, or no jets that pass the cuts.
    """
    if not sample.sources:
        if sample.events is not None:
            _refuse_jets_as_events(name, sample.events)
        return Look(0, sample.n_jets, sample.events is None, sample.process)
    n_files, n_jets, n_other, is_exact, unlabelled, kinds = 0, 0.0, 0.0, True, False, set()
    where = ", ".join(sample.sources)
    for _, found, batches in jets_by_file(
        sample.sources, layout=sample.layout, options=sample.options, batch_size=_LOOK
    ):
        n_rows = found.table.n_rows
        rows = min(_LOOK // found.layout.jets_per_row, n_rows)
        first = next(batches, None)
        n_files, is_exact = n_files + 1, is_exact and rows == n_rows
        if first is not None:
            n_usable = int(_usable(first, label).sum())
            n_jets += n_usable * n_rows / rows
            n_other += (len(first) - n_usable) * n_rows / rows
            unlabelled |= bool((first.label == UNKNOWN).any())
        kinds.add(f"{found.layout.title} in {found.container.name}")
    if is_exact and not n_jets:
        raise _none_of(label, where)
    kind = " and ".join(sorted(kinds))
    return Look(n_files, round(n_jets), is_exact, kind, round(n_other), unlabelled)


def refuse_shared(samples: Mapping[str, Sample], looks: Mapping[str, Look]) -> None:
    """See that no jets are in two samples: those of a file that both name, without labels.

    Raises:
        ConfigError: there are some, and nothing in the options parts them.
    """
    seen: dict[tuple[str, ReadOptions], str] = {}
    for name, sample in samples.items():
        for file in expand(sample.sources) if sample.sources else ():
            where = file if is_url(file) else str(Path(file).resolve())
            key = where, replace(sample.options, label=None)
            other = seen.setdefault(key, name)
            if other != name and (looks[other].has_unlabelled or looks[name].has_unlabelled):
                raise ConfigError(
                    f"jets of {file} have no labels and would be in {other} and in {name}",
                    where=f"samples.{name}.files",
                    fix="name other files, or options that part them, such as pt_min and pt_max",
                )


def take_in(name: str, sample: Sample, label: int, output: Path, reporter: Reporter) -> None:
    """Write the jets of files as darkclr's own file, all with the label of their sample.

    Jets whose files give them the other label are left out. Nothing is done if the output is there.

    Args:
        name: of the sample.
        sample: its files.
        label: of the sample, 0 or 1.
        output: file to write.
        reporter: hears of the progress.

    Raises:
        InputError: a file that cannot be read, or no jets.
    """
    if output.exists():
        return
    files = expand(sample.sources)
    origins: list[Mapping[str, Any]] = []
    with (
        reporter.bar(f"read {name}", None) as advance,
        atomic_path(output) as temporary,
        closing(JetsWriter(TableWriter(temporary), output)) as writer,
    ):
        n = n_other = 0
        for jets in _with_their_files(sample, files, advance):
            usable = _usable(jets, label)
            n_other += len(jets) - int(usable.sum())
            if not usable.any():
                continue
            jets = jets[usable]
            if jets.provenance not in origins:
                origins.append(jets.provenance)
            writer.write(replace(jets, label=np.full(len(jets), label, dtype=np.int8)))
            n += len(jets)
        if not n:
            raise _none_of(label, ", ".join(sample.sources))
        origin = dict(origins[0]) if len(origins) == 1 else {"parts": [dict(o) for o in origins]}
        title = sample.title or origin.get("title") or name
        writer.finish({**origin, "title": title, "files": digests(files)})
    if n_other:
        reporter.line(f"{n_other} jets of label {1 - label} are left out of {name}")


def refuse_changed(name: str, sample: Sample, taken_in: Path) -> None:
    """Compare files with those that were taken in before, if they were.

    Raises:
        ConfigError: they are others.
    """
    if not sample.sources or not taken_in.exists():
        return
    before = read_metadata(read_schema(taken_in)).get("provenance", {}).get("files", [])
    now = digests(expand(sample.sources))
    if changed := [file["name"] for file in [*before, *now] if (file in before) != (file in now)]:
        which = ", ".join(map(str, dict.fromkeys(changed)))
        raise ConfigError(
            f"the files of {name} are not those that were read ({which})",
            where=taken_in.parents[1],
            fix="choose another --output or delete it",
        )


def digests(files: list[str]) -> list[dict[str, str | None]]:
    """Name and SHA-256 of files; None of those that are not here."""
    found = []
    for name in files:
        digest = None
        if not is_url(name):
            with Path(name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append(
            {"name": name if digest is None else str(Path(name).absolute()), "sha256": digest}
        )
    return found


def _with_their_files(sample: Sample, files: list[str], advance: Advance) -> Iterator[Jets]:
    """All jets, with their file and their event in it as truth columns.

    Events of different files are different, also where both files count from 0.
    """
    last = -1
    for name, _, batches in jets_by_file(
        files, layout=sample.layout, options=sample.options, kinds=True
    ):
        shift: int | None = None
        for jets in batches:
            if shift is None:
                shift = last + 1 if jets.event.min() <= last else 0
            event = jets.event - int(jets.provenance.get("first_event", 0))
            file = np.full(len(jets), files.index(name), dtype=np.int32)
            truth = {**jets.truth, FILE: file, FILE_EVENT: event}
            jets = replace(jets, event=jets.event + shift, truth=truth)
            last = max(last, int(jets.event.max()))
            yield jets
            advance(len(jets))


def _usable(jets: Jets, label: int) -> NDArray[np.bool_]:
    """Which jets a sample may hold: those of its label, and those without any."""
    return (jets.label == label) | (jets.label == UNKNOWN)


def _none_of(label: int, where: str) -> InputError:
    words = ("background", "signal")
    return InputError(
        f"all jets have the label {1 - label}, {words[1 - label]}, in a sample of {words[label]}",
        where=where,
        fix=f"give the sample label: {1 - label}",
    )


def _refuse_jets_as_events(name: str, events: str) -> None:
    """Refuse a file of jets in place of one of events."""
    try:
        found = recognise(Path(events))
    except DarkclrError:
        return  # no jets: what it is, the simulation says
    raise ConfigError(
        f"{events} holds jets ({found.layout.title}) and no events to simulate",
        where=f"samples.{name}.events",
        fix="name it under files, in place of events",
    )
