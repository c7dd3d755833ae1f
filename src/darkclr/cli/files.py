"""Commands on files of jets: info, convert, download."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from darkclr.cli import console
from darkclr.cli.parsing.arguments import one_or_all
from darkclr.cli.text_plots import shades, spark
from darkclr.io.download import ZENODO
from darkclr.io.options import BATCH_SIZE, TOP_TAGGING_SLOTS, ReadOptions

__all__ = ["convert", "download", "info"]

_N_FILES = 8


def info(
    source: list[str],
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    output: Path | None = None,
) -> None:
    """Say what a file or directory is: jets of any layout, and all that darkclr writes.

    Of jets: layout and why, how many, units, ranges, labels, provenance; every jet is read and
    checked. Beside the ranges are histograms from the smallest to the largest value, below them the
    average jet. Of representations, scores, figures of merit, runs, models, encoders, fitted scores
    and ONNX files: what is in them, where they come from, and what to do with them.

    Example: darkclr info qcd_constit.h5
    Example: darkclr info runs/quick

    Args:
        source: The files of the jets, or one file or directory that darkclr wrote; a folder or a
            URL of jets is a file, too.
        layout: The layout of the files; if it is not given, the columns of each file tell it.
            It may also be the import path of a layout of yours.
        options: How the files are read.
        output: A JSON file to which the same is written.
    """
    from darkclr.inspection import describe
    from darkclr.inspection.jets import summarise
    from darkclr.io.sources import check_output

    described = describe(source[0]) if len(source) == 1 and layout is None else None
    if output is not None:
        is_directory = described is not None and Path(source[0]).is_dir()
        check_output(None if is_directory else source, output, "JSON")
    if described is not None:
        described.show(console)
        if output is not None:
            described.write(output)
        return
    summary = summarise(one_or_all(source), layout=layout, options=options, reporter=console)
    for file in summary.files[:_N_FILES]:
        kind = f"{file.title} in {file.container} ({file.layout})"
        console.line(f"{file.name}: {kind}, because {file.why}")
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
    if n := summary.duplicates:
        console.line(
            f"duplicates: {n} of {summary.jets} jets have the constituents of an earlier one; "
            "darkclr convert --deduplicate leaves them out"
        )
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
    files = " ".join(source)
    console.line(f"next: darkclr train {files} MODEL, if they are background")
    console.line(f"next: darkclr score {files} MODEL scores.parquet")
    if output is not None:
        summary.write(output)


def convert(
    source: list[str],
    output: Path,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
    to: Literal["parquet", "root", "rntuple", "top_tagging"] | None = None,
    slots: int = TOP_TAGGING_SLOTS,
    deduplicate: bool = False,
    match_pt: str | None = None,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
    overwrite: bool = False,
) -> None:
    """Turn jets of any layout into Parquet, or into ROOT or top-tagging HDF5 for other programs.

    Files are read and written batch by batch, so they may be larger than memory.

    Example: darkclr convert train.h5 train.parquet --options.n_constituents 50

    Args:
        source: The files of the jets; a folder or a URL is a file, too.
        output: The file that is written: .parquet, .root for a tree, or .h5 for top-tagging HDF5.
        layout: The layout of the files; if it is not given, the columns of each file tell it.
            It may also be the import path of a layout of yours.
        options: How the files are read: cuts, label of files without, radius for events.
        to: The layout that is written, whatever the suffix of the output; `rntuple` is the newer
            format of ROOT files.
        slots: The number of constituents for which top-tagging HDF5 has room in each jet.
        deduplicate: Jets are left out whose constituents are those of an earlier jet.
        match_pt: A file of jets. Others are left out at random, so that their pT spectrum takes
            the shape of its spectrum.
        seed: The seed of the choice that `match_pt` makes.
        batch_size: The number of rows that are in memory at a time.
        overwrite: A file that is there is replaced, whatever it is; otherwise only one that was
            converted from the same source.
    """
    from darkclr.io.convert import convert as convert_jets

    convert_jets(
        one_or_all(source),
        output,
        layout=layout,
        options=options,
        to=to,
        slots=slots,
        deduplicate=deduplicate,
        match_pt=match_pt,
        seed=seed,
        batch_size=batch_size,
        overwrite=overwrite,
        reporter=console,
    )


def download(
    record: str,
    output: Path,
    files: list[str] | None = None,
    base_url: str = ZENODO,
    dry_run: bool = False,
) -> None:
    """Fetch a public record of jets from Zenodo, with checksums, resumed where it was cut off.

    A record is named darkclr (12801842, the paper's jets), top_tagging (2603256), or by its number.

    Example: darkclr download top_tagging data --files '[val.h5]'

    Args:
        record: The name or the number of the record.
        output: The folder into which the files go.
        files: The names of the files; all of them if none is given.
        base_url: The address of the server.
        dry_run: The files are listed, and nothing is fetched.
    """
    from darkclr.io import download as remote

    if not dry_run:
        remote.download_record(record, output, files, base_url=base_url, reporter=console)
        return
    chosen = remote.choose(remote.list_files(record, base_url=base_url), files)
    console.table(
        f"record {record}",
        [
            {"file": file.name, "MB": f"{file.size / 1e6:.4g}", "checksum": file.checksum}
            for file in chosen
        ],
    )
