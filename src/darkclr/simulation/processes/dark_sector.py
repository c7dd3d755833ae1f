"""The dark sector in Pythia's hidden valley: production, shower, hadronisation and decays.

:class:`ZPrimeToDarkShower` and :class:`ScalarPairToDarkShower` are whole models of which a user
chooses the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from darkclr.errors import ConfigError
from darkclr.parameters import AtLeast, Between, Positive
from darkclr.simulation.processes.process import COLLISION_ENERGY, Model

__all__ = [
    "DARK_QUARKS",
    "INVISIBLE",
    "DarkSector",
    "ScalarPairToDarkShower",
    "ZPrimeToDarkShower",
    "scalar_pair",
    "z_prime",
]

# PDG codes of Pythia's hidden valley.
_Z_PRIME, _DARK_QUARK = 4900023, 4900101
# Scalar partners of d, u, s, c, b, t, charged under both colours: the bifundamentals.
_PHI = {4900001: "Dv", 4900002: "Uv", 4900003: "Sv", 4900004: "Cv", 4900005: "Bv", 4900006: "Tv"}
_PI_DIAGONAL, _PI, _RHO_DIAGONAL, _RHO = 4900111, 4900211, 4900113, 4900213
# Half the lowest mass [GeV] that decays to a pair of d, u, s, c, b: about the lightest hadrons.
_THRESHOLDS = {1: 0.3, 2: 0.3, 3: 0.5, 4: 1.9, 5: 5.3}
_LIGHTEST_VISIBLE = 2 * min(_THRESHOLDS.values())
_LOWEST_MASS, _HIGHEST_MASS = 0.75, 1.25  # that is sampled, in units of the mediator's
_LOWEST_CUTOFF = 0.1  # of the shower in Pythia [GeV]
_CUTOFF = 1.1  # of the shower, in units of Lambda: Pythia allows no lower one

_SHARE = Between(0, 1, low_included=True, high_included=True)

#: PDG codes of the dark quarks.
DARK_QUARKS = (4900101, 4900102)
#: Stable, invisible decay product of dark mesons (Pythia's scalar dark matter).
INVISIBLE = 51


def z_prime(mass: float, width: float) -> tuple[str, ...]:
    """Settings of pp -> Z' -> dark quark pair; the mediator couples to d and u quarks.

    Args:
        mass: of the mediator [GeV]; masses are sampled between 0.75 and 1.25 of it.
        width: forced width of the mediator [GeV].

    Raises:
        ConfigError: no collision can make the mediator.
    """
    _refuse(
        not 0 < mass < COLLISION_ENERGY,
        f"m_z_prime = {mass:g} GeV cannot be made by collisions of {COLLISION_ENERGY} GeV",
        f"choose above 0 and below {COLLISION_ENERGY}",
    )
    return (
        "HiddenValley:ffbar2Zv = on",
        f"{_Z_PRIME}:m0 = {mass:.10g}",
        f"{_Z_PRIME}:mWidth = {width:.10g}",
        f"{_Z_PRIME}:doForceWidth = on",
        f"{_Z_PRIME}:mMin = {_LOWEST_MASS * mass:.10g}",
        f"{_Z_PRIME}:mMax = {_HIGHEST_MASS * mass:.10g}",
        # The quark channels must exist, for production, but the mediator must not decay to them.
        f"{_Z_PRIME}:oneChannel = 1 0.4 102 1 -1",
        f"{_Z_PRIME}:addChannel = 1 0.4 102 2 -2",
        f"{_Z_PRIME}:addChannel = 1 0.2 102 {_DARK_QUARK} -{_DARK_QUARK}",
        f"{_Z_PRIME}:onMode = off",
        f"{_Z_PRIME}:onIfMatch = {_DARK_QUARK} -{_DARK_QUARK}",
    )


def scalar_pair(mass: float) -> tuple[str, ...]:
    """Settings of pp -> Phi Phi* by the strong force, each Phi -> quark and dark quark.

    Phi is a narrow scalar in the fundamental representations of both SU(3) and the dark SU(N).
    There is one for each quark flavour, all of one mass.

    Args:
        mass: of Phi [GeV].

    Raises:
        ConfigError: the pair has no room in the collision.
    """
    _refuse(
        not 0 < 2 * mass < COLLISION_ENERGY,
        f"m_phi = {mass:g} GeV cannot be made in pairs by collisions of {COLLISION_ENERGY} GeV",
        f"choose above 0 and below {COLLISION_ENERGY / 2:g}",
    )
    return (
        *(
            f"HiddenValley:{initial}2{name}{name}bar = on"
            for name in _PHI.values()
            for initial in ("gg", "qqbar")
        ),
        *(
            f"{code}:{line}"
            for code in _PHI
            for line in (
                f"m0 = {mass:.10g}",
                "mWidth = 0.01",
                f"mMin = {mass - 1:.10g}",
                f"mMax = {mass + 1:.10g}",
            )
        ),
    )


@dataclass(frozen=True)
class DarkSector(Model):
    """A confining force SU(N_c) between dark quarks, with two kinds of dark mesons.

    Fragmentation is that of Pythia 8.2, whose parameters scale with the dark-quark mass; the
    default of Pythia 8.3 gives jets with far too many constituents.
    """

    scale: Annotated[float, Positive()] = 5.0
    """Confinement scale Lambda of the dark force [GeV]; the shower ends at 1.1 Lambda."""
    m_pi: Annotated[float, Positive()] = 4.0
    """Mass of the dark pions [GeV]."""
    m_rho: Annotated[float, Positive()] = 5.0
    """Mass of the dark rho mesons [GeV]."""
    m_quark: Annotated[float, Positive()] = 0.5
    """Constituent mass of the dark quarks [GeV], which sets the fragmentation."""
    r_inv: Annotated[float | None, _SHARE] = None
    """Probability that a dark meson is invisible, else it decays to a quark pair; with null, as in
    the benchmark of https://arxiv.org/abs/2006.08639, only the neutral rho decays, so that
    1 - vector_share / n_flavours of the mesons are invisible."""
    n_colours: Annotated[int, AtLeast(2)] = 3
    """N_c of the dark gauge group SU(N_c); one colour would not confine."""
    n_flavours: Annotated[int, Between(1, 8, low_included=True, high_included=True)] = 2
    """N_f, the number of dark quarks."""
    vector_share: Annotated[float, _SHARE] = 0.5
    """Probability that a dark meson is a rho."""

    def shower(self, energy: float) -> tuple[str, ...]:
        """Settings of the dark shower, its hadronisation and the decays of the dark mesons.

        Args:
            energy: mass of the mediator [GeV], which limits the shower and the mesons.

        Raises:
            ConfigError: the combination is impossible.
        """
        self._check(energy)
        masses = {
            _PI_DIAGONAL: self.m_pi,
            _PI: self.m_pi,
            _RHO_DIAGONAL: self.m_rho,
            _RHO: self.m_rho,
        }
        # Pythia's own mass, 50 GeV, would close the invisible channel.
        invisible_mass = () if self.r_inv is None else (f"{INVISIBLE}:m0 = 0",)
        return (
            *invisible_mass,
            f"{_DARK_QUARK}:m0 = {self.m_quark:.10g}",
            f"HiddenValley:Ngauge = {self.n_colours}",
            f"HiddenValley:nFlav = {self.n_flavours}",
            "HiddenValley:spinFv = 0",
            "HiddenValley:FSR = on",
            "HiddenValley:fragment = on",
            "HiddenValley:alphaOrder = 1",
            "HiddenValley:setLambda = on",
            f"HiddenValley:Lambda = {self.scale:.10g}",
            f"HiddenValley:pTminFSR = {_CUTOFF * self.scale:.10g}",
            f"HiddenValley:probVector = {self.vector_share:.10g}",
            "HiddenValley:setabsigma = 2",
            "HiddenValley:aLund = 0.3",
            f"HiddenValley:bLund = {0.8 / self.m_quark**2:.10g}",
            f"HiddenValley:sigmaLund = {0.5 * self.m_quark:.10g}",
            *(f"{meson}:m0 = {mass:.10g}" for meson, mass in masses.items()),
            *(
                line
                for meson, mass in masses.items()
                for line in _meson_decay(meson, mass, meson == _RHO_DIAGONAL, self.r_inv)
            ),
        )

    def _check(self, energy: float) -> None:
        """Refuse what Pythia cannot do, or would do without a word and differently."""
        for name in ("m_pi", "m_rho", "m_quark"):
            mass = getattr(self, name)
            _refuse(
                # Where two do not fit, Pythia makes invisible glueballs instead and r_inv is lost.
                2 * mass >= _LOWEST_MASS * energy,
                f"{name} = {mass:g} GeV: two are too heavy for a mediator of {energy:g} GeV",
                f"choose below {_LOWEST_MASS * energy / 2:g}",
            )
        for name in ("m_rho",) if self.r_inv is None else ("m_pi", "m_rho"):
            mass = getattr(self, name)
            _refuse(
                self.r_inv != 1 and mass <= _LIGHTEST_VISIBLE,
                f"{name} = {mass:g} GeV is too light to decay to any pair of quarks",
                f"choose above {_LIGHTEST_VISIBLE:g}, or r_inv = 1",
            )
        _refuse(
            _CUTOFF * self.scale < _LOWEST_CUTOFF,
            f"scale = {self.scale:g} GeV: the dark shower would go below {_LOWEST_CUTOFF} GeV",
            f"choose at least {_LOWEST_CUTOFF / _CUTOFF:.2g}",
        )
        _refuse(
            2 * _CUTOFF * self.scale >= energy,
            f"scale = {self.scale:g} GeV: the dark shower of a mediator of {energy:g} GeV would "
            f"end, at {_CUTOFF} Lambda, before it begins",
            f"choose below {energy / (2 * _CUTOFF):.4g}",
        )


@dataclass(frozen=True)
class ZPrimeToDarkShower(DarkSector):
    """pp -> Z' -> dark quark pair with all parameters free; the benchmark by default."""

    m_z_prime: Annotated[float, Positive()] = 2000.0
    """Mass of the mediator [GeV]."""
    width: Annotated[float, Positive()] = 20.0
    """Forced width of the mediator [GeV]."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Pythia settings of production, shower and decays."""
        return z_prime(self.m_z_prime, self.width) + self.shower(self.m_z_prime)


@dataclass(frozen=True)
class ScalarPairToDarkShower(Model):
    """The t-channel-like signal of the CMS study: pairs of the scalar bifundamental Phi.

    The dark sector is that of the CMS searches, https://arxiv.org/abs/2112.11125: two colours,
    two flavours, 3/4 vectors, mesons of one mass, quarks of half of it and
    Lambda = 3.2 GeV (m_dark / GeV)^0.8. There dark pions prefer heavy quarks; here all mesons
    decay to all quarks alike.
    """

    m_phi: Annotated[float, Positive()] = 2000.0
    """Mass of the bifundamental scalar Phi [GeV]."""
    r_inv: Annotated[float, _SHARE] = 0.3
    """Probability that a dark meson is invisible, else it decays to a quark pair."""
    m_dark: Annotated[float, Positive()] = 20.0
    """Mass of all dark mesons [GeV]."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Pythia settings of production, shower and decays."""
        dark_sector = DarkSector(
            scale=3.2 * self.m_dark**0.8,
            m_pi=self.m_dark,
            m_rho=self.m_dark,
            m_quark=0.5 * self.m_dark,
            r_inv=self.r_inv,
            n_colours=2,
            n_flavours=2,
            vector_share=0.75,
        )
        return scalar_pair(self.m_phi) + dark_sector.shower(self.m_phi)


def _meson_decay(meson: int, mass: float, visible: bool, r_inv: float | None) -> list[str]:
    """Equal shares for all quark pairs that fit into the mass, the rest invisible."""
    if r_inv is None and not visible:
        return [f"{meson}:mayDecay = off"]
    invisible = r_inv or 0.0
    quarks = [quark for quark, threshold in _THRESHOLDS.items() if mass > 2 * threshold]
    channels = [((1 - invisible) / len(quarks), quark, 91) for quark in quarks]
    channels.append((invisible, INVISIBLE, 0))
    commands = ["oneChannel"] + ["addChannel"] * len(channels)
    return [
        f"{meson}:{command} = 1 {share:.10g} {mode} {product} -{product}"
        for command, (share, product, mode) in zip(
            commands, [c for c in channels if c[0] > 0], strict=False
        )
    ] + [f"{meson}:mayDecay = on"]


def _refuse(impossible: bool, what: str, fix: str) -> None:
    if impossible:
        raise ConfigError(what, where="dark sector", fix=fix)
