"""The samples that can be generated: physics, jet selection and truth matching of each.

A sample is one :class:`Process`. Adding one is a dozen lines in :data:`PROCESSES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from darkclr.errors import ConfigError

__all__ = [
    "COMMON",
    "DARK_QUARKS",
    "INVISIBLE",
    "PROCESSES",
    "Match",
    "Process",
    "Selection",
    "dark_shower",
    "get_process",
    "z_prime",
]

# PDG codes of Pythia's hidden valley.
_Z_PRIME, _DARK_QUARK = 4900023, 4900101
_PI_DIAGONAL, _PI, _RHO_DIAGONAL, _RHO = 4900111, 4900211, 4900113, 4900213
_CHARM_MASS, _BOTTOM_MASS = 1.9, 5.3  # lightest open-flavour hadrons: below, a pair cannot form

DARK_QUARKS = (4900101, 4900102)
#: Stable, invisible decay product of dark mesons (Pythia's scalar dark matter).
INVISIBLE = 51

#: Settings of every sample. Particles with c tau below 10 mm decay before the detector.
COMMON = (
    "Beams:eCM = 13000",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10",
)


@dataclass(frozen=True)
class Selection:
    """Jets that are kept.

    Args:
        pt_min: lowest jet pT [GeV].
        pt_max: highest jet pT [GeV]; None for no upper edge.
        abs_eta_max: largest \\|eta\\| of the jet axis.
        radius: of the anti-kT algorithm.
    """

    pt_min: float = 150.0
    pt_max: float | None = 300.0
    abs_eta_max: float = 2.0
    radius: float = 0.8


@dataclass(frozen=True)
class Match:
    """Which partons of the hard process a kept jet must contain.

    Partons are those of the hardest process before any shower (Pythia status 23).

    Args:
        pdg: absolute PDG codes of the partons; empty for all of them.
        radius: largest distance between parton and jet axis in eta-phi.
        required: whether jets without a match are rejected, or kept with ``parton_pdg`` 0.
    """

    pdg: tuple[int, ...] = ()
    radius: float = 0.8
    required: bool = True


@dataclass(frozen=True)
class Process:
    """A sample: what collides into what, and which jets of it are kept.

    Args:
        name: of sample and file.
        title: for plots and tables.
        summary: one line for the list of samples.
        label: 0 background, 1 signal.
        settings: Pythia settings ``"Key = value"`` beyond :data:`COMMON`, in order.
        match: rule of the truth matching.
        selection: jets that are kept.
        card: detector card used unless another is asked for.
        jets_per_second: accepted jets a second on one core of 2020s hardware with multiparton
            interactions; only for estimates of the duration.
    """

    name: str
    title: str
    summary: str
    label: int
    settings: tuple[str, ...]
    match: Match = Match()
    selection: Selection = Selection()
    card: str = "atlas"
    jets_per_second: float = 20.0

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Every Pythia setting of the sample except seed, verbosity and what a run overrides."""
        return COMMON + self.settings


def z_prime(mass: float = 2000.0, width: float = 20.0) -> tuple[str, ...]:
    """Settings of pp -> Z' -> dark quark pair; the mediator couples to d and u quarks.

    Args:
        mass: of the mediator [GeV]; masses are sampled between 0.75 and 1.25 of it.
        width: forced width of the mediator [GeV].
    """
    return (
        "HiddenValley:ffbar2Zv = on",
        f"{_Z_PRIME}:m0 = {mass:g}",
        f"{_Z_PRIME}:mWidth = {width:g}",
        f"{_Z_PRIME}:doForceWidth = on",
        f"{_Z_PRIME}:mMin = {0.75 * mass:g}",
        f"{_Z_PRIME}:mMax = {1.25 * mass:g}",
        # The quark channels must exist, for production, but the mediator must not decay to them.
        f"{_Z_PRIME}:oneChannel = 1 0.4 102 1 -1",
        f"{_Z_PRIME}:addChannel = 1 0.4 102 2 -2",
        f"{_Z_PRIME}:addChannel = 1 0.2 102 {_DARK_QUARK} -{_DARK_QUARK}",
        f"{_Z_PRIME}:onMode = off",
        f"{_Z_PRIME}:onIfMatch = {_DARK_QUARK} -{_DARK_QUARK}",
    )


def dark_shower(
    *,
    m_pi: float,
    m_rho: float,
    scale: float,
    r_inv: float | None = None,
    m_quark: float = 0.5,
    n_colours: int = 3,
    n_flavours: int = 2,
    vector_share: float = 0.5,
) -> tuple[str, ...]:
    """Settings of the dark shower, its hadronisation and the decays of the dark mesons.

    Fragmentation is that of Pythia 8.2, whose parameters scale with the dark-quark mass; the
    default of Pythia 8.3 gives jets with far too many constituents.

    Args:
        m_pi: mass of the dark pions [GeV].
        m_rho: mass of the dark rho mesons [GeV].
        scale: confinement scale Lambda of the dark force [GeV]; the shower ends at 1.1 Lambda.
        r_inv: None for the benchmark of https://arxiv.org/abs/2006.08639, where the diagonal rho
            alone is unstable and decays to quarks; a number between 0 and 1 if every dark meson
            decays to an invisible pair with that probability, else to quarks.
        m_quark: mass of the dark quarks [GeV].
        n_colours: of the dark gauge group SU(N).
        n_flavours: of dark quarks.
        vector_share: probability that a dark meson is a rho.

    Raises:
        ConfigError: ``r_inv`` is no probability.
    """
    if r_inv is not None and not 0 <= r_inv <= 1:
        raise ConfigError(f"r_inv = {r_inv:g}", where="dark_shower", mend="choose 0 to 1")
    masses = {_PI_DIAGONAL: m_pi, _PI: m_pi, _RHO_DIAGONAL: m_rho, _RHO: m_rho}
    # Pythia's own mass, 50 GeV, would close the invisible channel.
    invisible_mass = () if r_inv is None else (f"{INVISIBLE}:m0 = 0",)
    return (
        *invisible_mass,
        f"{_DARK_QUARK}:m0 = {m_quark:g}",
        f"HiddenValley:Ngauge = {n_colours}",
        f"HiddenValley:nFlav = {n_flavours}",
        "HiddenValley:spinFv = 0",
        "HiddenValley:FSR = on",
        "HiddenValley:fragment = on",
        "HiddenValley:alphaOrder = 1",
        "HiddenValley:setLambda = on",
        f"HiddenValley:Lambda = {scale:g}",
        f"HiddenValley:pTminFSR = {1.1 * scale:g}",
        f"HiddenValley:probVector = {vector_share:g}",
        "HiddenValley:setabsigma = 2",
        "HiddenValley:aLund = 0.3",
        f"HiddenValley:bLund = {0.8 / m_quark**2:g}",
        f"HiddenValley:sigmaLund = {0.5 * m_quark:g}",
        *(f"{meson}:m0 = {mass:g}" for meson, mass in masses.items()),
        *(
            line
            for meson, mass in masses.items()
            for line in _meson_decay(meson, mass, meson == _RHO_DIAGONAL, r_inv)
        ),
    )


def _meson_decay(meson: int, mass: float, visible: bool, r_inv: float | None) -> list[str]:
    """Equal shares for all quark pairs that fit into the mass, the rest invisible."""
    if r_inv is None and not visible:
        return [f"{meson}:mayDecay = off"]
    invisible = r_inv or 0.0
    thresholds = {1: 0.3, 2: 0.3, 3: 0.5, 4: _CHARM_MASS, 5: _BOTTOM_MASS}
    quarks = [quark for quark, threshold in thresholds.items() if mass > 2 * threshold]
    channels = [((1 - invisible) / len(quarks), quark, 91) for quark in quarks]
    channels.append((invisible, INVISIBLE, 0))
    commands = ["oneChannel"] + ["addChannel"] * len(channels)
    return [
        f"{meson}:{command} = 1 {share:g} {mode} {product} -{product}"
        for command, (share, product, mode) in zip(
            commands, [c for c in channels if c[0] > 0], strict=False
        )
    ] + [f"{meson}:mayDecay = on"]


_DARK_QUARK_MATCH = Match(pdg=DARK_QUARKS)

_SAMPLES = (
    Process(
        name="qcd",
        title="QCD",
        summary="leading-order di-jets at 13 TeV",
        label=0,
        # Of the accepted jets 0.3 % come from 75 to 80 GeV and 0.7 % from 80 to 85 GeV, so hardly
        # any are missing below. An edge at 90 GeV would double the rate and lose 2 %.
        settings=(
            "HardQCD:all = on",
            "PhaseSpace:pTHatMin = 80",
            "PhaseSpace:pTHatMax = 500",
        ),
        jets_per_second=14,
    ),
    Process(
        name="aachen",
        title="Aachen",
        summary="Z'(2 TeV) to dark quarks, dark pions and rhos of 4 and 5 GeV, r_inv = 0.75",
        label=1,
        settings=z_prime() + dark_shower(m_pi=4, m_rho=5, scale=5),
        match=_DARK_QUARK_MATCH,
        jets_per_second=35,
    ),
)

#: All samples by name.
PROCESSES: Mapping[str, Process] = MappingProxyType({p.name: p for p in _SAMPLES})


def get_process(name: str) -> Process:
    """The sample of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROCESSES:
        raise ConfigError(
            f"no sample {name!r}", where="process", mend=f"choose of {', '.join(PROCESSES)}"
        )
    return PROCESSES[name]
