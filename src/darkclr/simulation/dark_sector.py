"""The dark sector in Pythia's hidden valley: production, shower, hadronisation and decays.

Functions return Pythia settings. :func:`z_prime_to_dark_shower` and :func:`svj_t` are whole models:
their arguments are the parameters of a sample (:class:`darkclr.simulation.processes.Process`).
"""

from __future__ import annotations

from darkclr.errors import ConfigError

__all__ = [
    "DARK_QUARKS",
    "INVISIBLE",
    "dark_shower",
    "phi_pair",
    "svj_t",
    "z_prime",
    "z_prime_to_dark_shower",
]

# PDG codes of Pythia's hidden valley.
_Z_PRIME, _DARK_QUARK = 4900023, 4900101
# Scalar partners of d, u, s, c, b, t, charged under both colours: the bifundamentals.
_PHI = {4900001: "Dv", 4900002: "Uv", 4900003: "Sv", 4900004: "Cv", 4900005: "Bv", 4900006: "Tv"}
_PI_DIAGONAL, _PI, _RHO_DIAGONAL, _RHO = 4900111, 4900211, 4900113, 4900213
_CHARM_MASS, _BOTTOM_MASS = 1.9, 5.3  # lightest open-flavour hadrons: below, a pair cannot form

DARK_QUARKS = (4900101, 4900102)
#: Stable, invisible decay product of dark mesons (Pythia's scalar dark matter).
INVISIBLE = 51


def z_prime(mass: float, width: float) -> tuple[str, ...]:
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


def phi_pair(mass: float, width: float = 10.0) -> tuple[str, ...]:
    """Settings of pp -> Phi Phi* by the strong force, each Phi -> quark and dark quark.

    Phi is a scalar in the fundamental representations of both SU(3) and the dark SU(N). There is
    one for each quark flavour, all of one mass.

    Args:
        mass: of Phi [GeV].
        width: of Phi [GeV]; masses are sampled within ten widths.
    """
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
                f"m0 = {mass:g}",
                f"mWidth = {width:g}",
                f"mMin = {mass - 10 * width:g}",
                f"mMax = {mass + 10 * width:g}",
            )
        ),
    )


def svj_t(
    *, m_phi: float = 2000.0, r_inv: float | None = 0.3, m_dark: float = 20.0
) -> tuple[str, ...]:
    """Settings of the t-channel-like signal of the CMS study: pairs of Phi.

    The dark sector is that of the CMS searches, https://arxiv.org/abs/2112.11125: two colours,
    two flavours, 3/4 vectors, mesons of one mass, quarks of half of it and
    Lambda = 3.2 GeV (m_dark / GeV)^0.8.

    Args:
        m_phi: mass of the bifundamental scalar Phi [GeV].
        r_inv: probability that a dark meson is invisible.
        m_dark: mass of all dark mesons [GeV].

    Raises:
        ConfigError: the combination is impossible.
    """
    return phi_pair(m_phi) + dark_shower(
        scale=3.2 * m_dark**0.8,
        m_pi=m_dark,
        m_rho=m_dark,
        m_quark=0.5 * m_dark,
        r_inv=r_inv,
        n_colours=2,
        n_flavours=2,
        vector_share=0.75,
    )


def z_prime_to_dark_shower(
    *,
    m_z_prime: float = 2000.0,
    width: float = 20.0,
    scale: float = 5.0,
    m_pi: float = 4.0,
    m_rho: float = 5.0,
    m_quark: float = 0.5,
    r_inv: float | None = None,
    n_colours: int = 3,
    n_flavours: int = 2,
    vector_share: float = 0.5,
) -> tuple[str, ...]:
    """Settings of pp -> Z' -> dark quark pair with all parameters free; the benchmark by default.

    Args:
        m_z_prime: mass of the mediator [GeV].
        width: of the mediator [GeV].
        scale: confinement scale Lambda of the dark force [GeV].
        m_pi: mass of the dark pions [GeV].
        m_rho: mass of the dark rho mesons [GeV].
        m_quark: mass of the dark quarks [GeV].
        r_inv: probability that a dark meson is invisible, else it decays to a quark pair; null:
            only the neutral rho decays, so 1 - vector_share / n_flavours are invisible.
        n_colours: N_c of the dark gauge group SU(N_c).
        n_flavours: N_f, number of dark quarks.
        vector_share: probability that a dark meson is a rho.

    Raises:
        ConfigError: the combination is impossible.
    """
    return z_prime(m_z_prime, width) + dark_shower(
        scale=scale,
        m_pi=m_pi,
        m_rho=m_rho,
        m_quark=m_quark,
        r_inv=r_inv,
        n_colours=n_colours,
        n_flavours=n_flavours,
        vector_share=vector_share,
    )


def dark_shower(
    *,
    scale: float,
    m_pi: float,
    m_rho: float,
    m_quark: float,
    r_inv: float | None,
    n_colours: int,
    n_flavours: int,
    vector_share: float,
) -> tuple[str, ...]:
    """Settings of the dark shower, its hadronisation and the decays of the dark mesons.

    Fragmentation is that of Pythia 8.2, whose parameters scale with the dark-quark mass; the
    default of Pythia 8.3 gives jets with far too many constituents.

    Args:
        scale: confinement scale Lambda of the dark force [GeV]; the shower ends at 1.1 Lambda.
        m_pi: mass of the dark pions [GeV].
        m_rho: mass of the dark rho mesons [GeV].
        m_quark: mass of the dark quarks [GeV].
        r_inv: None for the benchmark of https://arxiv.org/abs/2006.08639, where the diagonal rho
            alone is unstable and decays to quarks; a number between 0 and 1 if every dark meson
            decays to an invisible pair with that probability, else to quarks.
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
