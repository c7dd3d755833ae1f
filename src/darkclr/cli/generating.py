"""Simulated jets as a command."""

from __future__ import annotations

import textwrap
from pathlib import Path

from darkclr.cli import console
from darkclr.errors import ConfigError
from darkclr.jets import BACKGROUND, SIGNAL
from darkclr.plugins import installed
from darkclr.simulation.processes import ENTRY_POINTS, PROCESSES
from darkclr.simulation.sample import SampleConfig

__all__ = ["describe_samples", "generate"]


def generate(
    output: Path,
    sample: SampleConfig,
    workers: int | None = None,
    shard: int | None = None,
    dry_run: bool = False,
) -> None:
    """Simulate collisions, detector and jets of one process.

    Pythia 8 makes the events, an energy-flow detector with the published Delphes formulas sees
    them, FastJet clusters them. Stop with Ctrl-C; the same command goes on where it was.
    The samples and their parameters are listed below.

    Example: darkclr generate qcd.parquet --process qcd --n_jets 10000

    A model of your own: darkclr generate mine.parquet --process dark_shower --n_jets 1000
    --parameters.m_z_prime 3000 --parameters.scale 10 --parameters.m_pi 8 --parameters.m_rho 10
    --parameters.r_inv 0.4

    Args:
        output: The Parquet file that is written, one row a jet.
        sample: This is simulated.
        workers: The number of processes, which does not change the jets; by default one a core.
        shard: The number of the only shard that is made, from 0, for a batch system; the command
            without it makes the missing ones and puts all together.
        dry_run: The command only says what would be done, and how long that takes.
    """
    from darkclr.simulation import sample as simulation
    from darkclr.worker_pool import available_cores

    if workers is not None and workers < 1:
        raise ConfigError(f"{workers} workers", where="workers", fix="choose at least 1")
    if output.suffix not in ("", ".parquet"):
        raise ConfigError(
            f"jets are written as Parquet, not {output.suffix}",
            where=output,
            fix="name the file .parquet; `darkclr convert` writes others",
        )
    workers = workers or available_cores()
    planned = simulation.plan(sample)
    file = planned.file
    if dry_run:
        jets = f"jets of {planned.process.title} ({planned.process.summary})"
        shards = f"in {len(planned.shards)} shards on {workers} cores"
        if file is None:
            minutes = planned.seconds(workers) / 60
            console.line(f"{sample.n_jets} {jets} {shards}: about {minutes:.1f} minutes")
        else:
            console.line(f"at most {sample.n_jets} {jets} {shards}")
            console.line(f"{file.n_events} events of {file.path} ({file.format})")
            for note in planned.notes():
                console.line(note)
        for setting in planned.settings:
            console.line(f"  {setting}")
        return
    title = f"generate {sample.process}"
    if shard is not None:
        with console.bar(f"{title} {shard}", None if file else sample.shard_jets) as advance:
            made = simulation.generate_shard(sample, output, shard, progress=advance)
        console.line(f"shard {shard} in {made}")
        return
    with console.bar(title, None if file else sample.n_jets) as advance:
        simulation.generate(sample, output, workers=workers, progress=advance)
    if file is None:
        console.line(f"{sample.n_jets} jets in {output}")
    else:
        counts = simulation.counts_of(output)
        n_jets = min(counts["accepted_jets"], sample.n_jets)
        n_events = counts["events"] - counts.get("lost_events", 0)
        console.line(
            f"{n_jets} jets of {n_events} of the {file.n_events} events of {file.path} in {output}"
        )


def describe_samples() -> str:
    """All samples, each in a line, with the parameters of those that have some."""
    lines = ["samples:"]
    for process in PROCESSES.values():
        kind = {BACKGROUND: "background", SIGNAL: "signal"}.get(process.label, "no label")
        lines.append(f"  {process.name:<12}{kind}: {process.summary}")
        for parameter in process.parameters:
            default = "null" if parameter.default is None else f"{parameter.default:g}"
            text = f"{parameter.summary.rstrip('.')} (default: {default})"
            lines += textwrap.wrap(
                f"{f'--parameters.{parameter.name}':<27}{text}",
                width=80,
                initial_indent=" " * 6,
                subsequent_indent=" " * 33,
            )
    if others := installed(ENTRY_POINTS):
        lines += [
            "samples of other packages:",
            *(f"  {p.name:<12}{p.value}" for p in others.values()),
        ]
    return "\n".join(lines)
