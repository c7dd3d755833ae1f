"""Speed of reading HepMC events, packed or not, against pyhepmc alone.

    python benchmarks/event_readers.py [number of events]

``plain`` is `pyhepmc.open`, which unpacks by the name of the file, with the particles of every
event as arrays. ``darkclr`` looks through the whole file first, to count its events and see that
it is whole, and then reads it as the simulation does, in batches of 100 events with vertices and
charges. CPU seconds, medians over turns.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyhepmc

from darkclr.simulation.events.event_files import scan_events
from darkclr.simulation.events.hepmc import HepMCEvents

PARTICLES = 800  # an event of soft QCD
TURNS = 5
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def write_events(path: Path, n_events: int) -> None:
    """Events of one vertex, with pions of soft momenta."""
    rng = np.random.default_rng(1)
    with pyhepmc.open(path, "w") as file:
        for momenta in rng.normal(0, 3, (n_events, PARTICLES, 3)):
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            vertex = pyhepmc.GenVertex(pyhepmc.FourVector(0, 0, 0, 0))
            vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 6500, 6500), 2212, 4))
            for px, py, pz in momenta:
                energy = np.sqrt(px**2 + py**2 + pz**2 + 0.14**2)
                vertex.add_particle_out(pyhepmc.GenParticle((px, py, pz, energy), 211, 1))
            event.add_vertex(vertex)
            file.write(event)


def plain(path: Path) -> int:
    n = 0
    with pyhepmc.open(path) as events:
        for event in events:
            p = event.numpy.particles
            n += sum(len(x) > 0 for x in (p.pid, p.status, p.px, p.py, p.pz)) > 0
    return n


def darkclr(path: Path) -> int:
    n = 0
    for events in scan_events(path, 1000).ranges:
        source = HepMCEvents(events)
        while (batch := source.generate(100)) is not None:
            n += batch.n_events
    return n


def seconds(read: Callable[[Path], int], path: Path, n_events: int) -> float:
    start = time.process_time()
    assert read(path) == n_events
    return time.process_time() - start


def main(n_events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "events.hepmc"
        write_events(text, n_events)
        print(f"{n_events} events of {PARTICLES} particles, {text.stat().st_size / 1e6:.0f} MB\n")
        print(f"{'':6s} {'plain':>8s} {'darkclr':>9s}   darkclr / plain")
        for suffix, pack in PACKED.items():
            path = Path(f"{text}{suffix}")
            path.write_bytes(pack(text.read_bytes()))
            turns = [[seconds(f, path, n_events) for f in (plain, darkclr)] for _ in range(TURNS)]
            alone, ours = np.median(turns, axis=0)
            print(f"{suffix or 'text':6s} {alone:6.2f} s {ours:7.2f} s   {ours / alone:5.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
