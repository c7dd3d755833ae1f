"""Files of events, written from Pythia's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LHE_STATUS = {-21: -1, -22: 2, 23: 1}


def pythia_events(settings: Sequence[str], n_events: int, seed: int) -> Iterator[Any]:
    """A Pythia after each of its events."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in (*settings, "Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed}"):
        assert pythia.readString(line), line
    assert pythia.init()
    for _ in range(n_events):
        assert pythia.next()
        yield pythia


def write_lhe(
    path: Path,
    settings: Sequence[str],
    n_events: int,
    seed: int = 1,
    strategy: int = 3,
    weights: Sequence[float] = (1.0,),
) -> None:
    """Hard processes of Pythia, with resonances, as a Les Houches file; weights by turns."""
    blocks = []
    pythia = None
    for i, pythia in enumerate(pythia_events((*settings, "PartonLevel:all = off"), n_events, seed)):
        lines = [
            f" {p.id()} {LHE_STATUS[p.status()]} "
            + ("0 0" if p.status() == -21 else f"{p.mother1() - 2} {max(p.mother2() - 2, 0)}")
            + f" {p.col()} {p.acol()} {p.px():.12e} {p.py():.12e} {p.pz():.12e} {p.e():.12e}"
            + f" {p.m():.12e} 0. 9."
            for p in pythia.process
            if p.status() in LHE_STATUS
        ]
        info = pythia.infoPython()
        scale, alphas = info.QFac(), f"{info.alphaEM():.8e} {info.alphaS():.8e}"
        first = f" {len(lines)} 9999 {weights[i % len(weights)]} {scale:.8e} {alphas}"
        blocks.append("\n".join(("<event>", first, *lines, "</event>\n")))
    assert pythia is not None
    cross_section = pythia.infoPython().sigmaGen() * 1e9
    path.write_text(
        '<LesHouchesEvents version="1.0">\n<header>\n</header>\n<init>\n'
        f" 2212 2212 6500. 6500. 0 0 0 0 {strategy} 1\n {cross_section:e} 0. 1. 9999\n</init>\n"
        + "".join(blocks)
        + "</LesHouchesEvents>\n"
    )


def hepmc_event(pythia: Any, *, units: tuple[str, str] = ("GEV", "MM")) -> Any:
    """Pythia's event in HepMC, as its own converter makes it: the mothers' vertex, statuses."""
    import pyhepmc

    energy, length = {"GEV": 1.0, "MEV": 1000.0}[units[0]], {"MM": 1.0, "CM": 0.1}[units[1]]
    event = pyhepmc.GenEvent(getattr(pyhepmc.Units, units[0]), getattr(pyhepmc.Units, units[1]))
    record = list(pythia.event)[1:]
    particles, ends = [], {}
    for p in record:
        momentum = np.array([p.px(), p.py(), p.pz(), p.e()]) * energy
        particle = pyhepmc.GenParticle(pyhepmc.FourVector(*momentum), p.id(), p.statusHepMC())
        particle.generated_mass = p.m() * energy
        particles.append(particle)
    for p, particle in zip(record, particles, strict=True):
        mothers = list(p.motherList())
        if not mothers or mothers == [0]:
            continue
        vertex = ends.get(mothers[0])
        if vertex is None:
            place = np.array([p.xProd(), p.yProd(), p.zProd(), p.tProd()]) * length
            vertex = pyhepmc.GenVertex(pyhepmc.FourVector(*place))
            for mother in mothers:
                if mother not in ends:
                    ends[mother] = vertex
                    vertex.add_particle_in(particles[mother - 1])
        vertex.add_particle_out(particle)
    event.add_tree(particles[:2])
    return event


def write_hepmc(path: Path, events: Sequence[Any], form: str = "hepmc3") -> None:
    """HepMC events as a file in ASCII with all digits."""
    import pyhepmc

    with pyhepmc.open(path, "w", format=form) as file:
        for event in events:
            file.write(event)
