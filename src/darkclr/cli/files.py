"""Commands on files of jets: info, convert, download."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from darkclr.cli import console
from darkclr.cli.pictures import shades, spark
from darkclr.io.convert import BATCH_SIZE
from darkclr.io.download import ZENODO
from darkclr.io.options import ReadOptions
from darkclr.io.writers import TOP_TAGGING_SLOTS

__all__ = ["convert", "download", "info"]

_N_FILES = 8


def info(
    source: str,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    output: Path | None = None,
) -> None:
    """Say what files of jets hold: layout and why, how many, units, ranges, labels, provenance.

    Every jet is read and checked. Beside the ranges are histograms from the smallest to the
    largest value, below them the average jet.

    Example: darkclr info qcd_constit.h5

    Args:
        source: file, folder, pattern in quotation marks, or URL.
        layout: recognised from the content of the file if not given.
        options: how the files are read.
        output: JSON file to write the same to.
    """
    from darkclr.io import atomic_path
    from darkclr.io.sources import refuse_own_input
    from darkclr.io.summary import summarise

    if output is not None:
        refuse_own_input(source, output)
    with console.bar("read", None, keep=False) as advance:
        summary = summarise(source, layout=layout, options=options, progress=advance)
    for file in summary.files[:_N_FILES]:
        console.line(
            f"{file.name}: {file.title} in {file.container} ({file.layout}), because {file.why}"
        )
    if len(summary.files) > _N_FILES:
        console.line(f"... and {len(summary.files) - _N_FILES} files more")
    console.line(f"{summary.jets} jets of {summary.events} events")
    console.table(
        "",
        [
            {
                "quantity": name,
                "min": f"{quantity.minimum:.4g}",
                "median": f"{quantity.median:.4g}",
                "mean": f"{quantity.mean:.4g}",
                "max": f"{quantity.maximum:.4g}",
            }
            for name, quantity in summary.quantities.items()
        ],
    )
    console.line("histograms, from min to max (constituent pt: logarithmic)")
    for name, quantity in summary.quantities.items():
        console.line(f"  {name:<20} |{spark(quantity.counts, unicode=console.unicode())}|")
    console.line("average jet: pT in eta (to the right) and phi (up), -1 to 1 around the axis")
    for row in shades(summary.image, unicode=console.unicode()):
        console.line(f"  |{row}|")
    console.line("labels: " + ", ".join(f"{n} {name}" for name, n in summary.labels.items()))
    if summary.check.problem is None:
        console.line(
            "kinematics: the jets fit the sum of their constituents (median stored / summed pT "
            f"{summary.check.pt_ratio:.4g}, distance {summary.check.delta_r:.2g})"
        )
    else:
        console.line(f"kinematics: WRONG? {summary.check.problem}")
    for origin in summary.provenance:
        for key, value in origin.items():
            console.line(f"{key}: {value}")
    if output is not None:
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(summary.to_dict(), indent=2) + "\n")


def convert(
    source: str,
    output: Path,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    to: Literal["parquet", "top_tagging"] | None = None,
    slots: int = TOP_TAGGING_SLOTS,
    deduplicate: bool = False,
    match_pt: str | None = None,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
) -> None:
    """Turn jets of any layout into Parquet, or into top-tagging HDF5 for other programs.

    Batch by batch, so files may be larger than memory. Cuts and the label are options.

    Example: darkclr convert train.h5 train.parquet --options.n_constituents 50

    Args:
        source: file, folder, pattern in quotation marks, or URL.
        output: file to write: .parquet, or .h5 for top-tagging HDF5.
        layout: recognised from the content of the file if not given.
        options: how the files are read: cuts, label of files without, radius for events.
        to: layout to write, whatever the suffix of the output.
        slots: constituents a jet in top-tagging HDF5.
        deduplicate: leave out jets whose constituents are those of an earlier jet.
        match_pt: file of jets; jets are left out at random so that the pT spectrum becomes its.
        seed: of that choice.
        batch_size: rows in memory at a time.
    """
    from darkclr.io.convert import convert as convert_jets

    with console.bar("convert", None) as advance:
        done = convert_jets(
            source,
            output,
            layout=layout,
            options=options,
            to=to,
            slots=slots,
            deduplicate=deduplicate,
            match_pt=match_pt,
            seed=seed,
            batch_size=batch_size,
            progress=advance,
        )
    if deduplicate:
        console.line(f"{done.duplicates} duplicates left out")
    if match_pt is not None:
        console.line(f"{done.unmatched} jets left out to match the pT spectrum of {match_pt}")
    if done.lost:
        console.line(f"not in the file, for want of a place: {', '.join(done.lost)}")
    console.line(f"{done.jets} jets with {done.constituents} constituents in {output}")


def download(
    record: str,
    output: Path,
    files: list[str] | None = None,
    base_url: str = ZENODO,
    dry_run: bool = False,
) -> None:
    """Fetch a public record of jets from Zenodo, with checksums, resumed where it was cut off.

    Records: darkclr (12801842, the paper's jets), top_tagging (2603256), or any number.

    Example: darkclr download top_tagging data --files '[val.h5]'

    Args:
        record: name or number of the record.
        output: folder for the files.
        files: names of the files; all if not given.
        base_url: of the server.
        dry_run: only list the files.
    """
    from darkclr.io import download as remote

    chosen = remote.choose(remote.list_files(record, base_url=base_url), files)
    if dry_run:
        console.table(
            f"record {record}",
            [
                {"file": file.name, "MB": f"{file.size / 1e6:.4g}", "checksum": file.checksum}
                for file in chosen
            ],
        )
        return
    for file in chosen:
        with console.bar(file.name, file.size / 1e6, "MB") as advance:
            path = remote.download(file, output, progress=partial(_megabytes, advance))
        console.line(f"{path}, {file.checksum}")


def _megabytes(advance: Callable[..., None], n: int) -> None:
    advance(n / 1e6)
