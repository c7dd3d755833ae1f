"""The dark sector in Pythia's hidden valley: production, shower, hadronisation and decays.

Functions return Pythia settings. :func:`z_prime_to_dark_shower` and :func:`svj_t` are whole models:
their arguments are the parameters of a sample (:class:`darkclr.simulation.processes.Process`).
"""

from __future__ import annotations

from darkclr.errors import ConfigError

__all__ = [
    "COLLISION_ENERGY",
    "DARK_QUARKS",
    "INVISIBLE",
    "dark_shower",
    "phi_pair",
    "svj_t",
    "z_prime",
    "z_prime_to_dark_shower",
]

#: Of the two protons [GeV].
COLLISION_ENERGY = 13000

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

DARK_QUARKS = (4900101, 4900102)
#: Stable, invisible decay product of dark mesons (Pythia's scalar dark matter).
INVISIBLE = 51


def z_prime(mass: float, width: float) -> tuple[str, ...]:
    """Settings of pp -> Z' -> dark quark pair; the mediator couples to d and u quarks.

    Args:
        mass: of the mediator [GeV]; masses are sampled between 0.75 and 1.25 of it.
        width: forced width of the mediator [GeV].

    Raises:
        ConfigError: mass or width is impossible.
    """
    _refuse(
        not 0 < mass < COLLISION_ENERGY,
        f"m_z_prime = {mass:g} GeV cannot be made by collisions of {COLLISION_ENERGY} GeV",
        f"choose above 0 and below {COLLISION_ENERGY}",
    )
    _refuse(width <= 0, f"width = {width:g} GeV", "choose a positive width")
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


def phi_pair(mass: float) -> tuple[str, ...]:
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


def svj_t(*, m_phi: float = 2000.0, r_inv: float = 0.3, m_dark: float = 20.0) -> tuple[str, ...]:
    """Settings of the t-channel-like signal of the CMS study: pairs of Phi.

    The dark sector is that of the CMS searches, https://arxiv.org/abs/2112.11125: two colours,
    two flavours, 3/4 vectors, mesons of one mass, quarks of half of it and
    Lambda = 3.2 GeV (m_dark / GeV)^0.8. There dark pions prefer heavy quarks; here all mesons
    decay to all quarks alike.

    Args:
        m_phi: mass of the bifundamental scalar Phi [GeV].
        r_inv: probability that a dark meson is invisible, else it decays to a quark pair.
        m_dark: mass of all dark mesons [GeV].

    Raises:
        ConfigError: the combination is impossible.
    """
    return phi_pair(m_phi) + dark_shower(
        energy=m_phi,
        scale=3.2 * max(m_dark, 0) ** 0.8,
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
        width: forced width of the mediator [GeV].
        scale: confinement scale Lambda of the dark force [GeV].
        m_pi: mass of the dark pions [GeV].
        m_rho: mass of the dark rho mesons [GeV].
        m_quark: constituent mass of the dark quarks [GeV], which sets the fragmentation.
        r_inv: probability that a dark meson is invisible, else it decays to a quark pair; null:
            only the neutral rho decays, so 1 - vector_share / n_flavours are invisible.
        n_colours: N_c of the dark gauge group SU(N_c).
        n_flavours: N_f, number of dark quarks.
        vector_share: probability that a dark meson is a rho.

    Raises:
        ConfigError: the combination is impossible.
    """
    return z_prime(m_z_prime, width) + dark_shower(
        energy=m_z_prime,
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
    energy: float,
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
        energy: mass of the mediator [GeV], which limits the shower and the mesons.
        scale: confinement scale Lambda of the dark force [GeV]; the shower ends at 1.1 Lambda.
        m_pi: mass of the dark pions [GeV].
        m_rho: mass of the dark rho mesons [GeV].
        m_quark: constituent mass of the dark quarks [GeV], which sets the fragmentation.
        r_inv: None for the benchmark of https://arxiv.org/abs/2006.08639, where the diagonal rho
            alone is unstable and decays to quarks; a number between 0 and 1 if every dark meson
            decays to an invisible pair with that probability, else to quarks.
        n_colours: of the dark gauge group SU(N).
        n_flavours: of dark quarks.
        vector_share: probability that a dark meson is a rho.

    Raises:
        ConfigError: the combination is impossible.
    """
    _check(energy, scale, m_pi, m_rho, m_quark, r_inv, n_colours, n_flavours, vector_share)
    masses = {_PI_DIAGONAL: m_pi, _PI: m_pi, _RHO_DIAGONAL: m_rho, _RHO: m_rho}
    # Pythia's own mass, 50 GeV, would close the invisible channel.
    invisible_mass = () if r_inv is None else (f"{INVISIBLE}:m0 = 0",)
    return (
        *invisible_mass,
        f"{_DARK_QUARK}:m0 = {m_quark:.10g}",
        f"HiddenValley:Ngauge = {n_colours}",
        f"HiddenValley:nFlav = {n_flavours}",
        "HiddenValley:spinFv = 0",
        "HiddenValley:FSR = on",
        "HiddenValley:fragment = on",
        "HiddenValley:alphaOrder = 1",
        "HiddenValley:setLambda = on",
        f"HiddenValley:Lambda = {scale:.10g}",
        f"HiddenValley:pTminFSR = {_CUTOFF * scale:.10g}",
        f"HiddenValley:probVector = {vector_share:.10g}",
        "HiddenValley:setabsigma = 2",
        "HiddenValley:aLund = 0.3",
        f"HiddenValley:bLund = {0.8 / m_quark**2:.10g}",
        f"HiddenValley:sigmaLund = {0.5 * m_quark:.10g}",
        *(f"{meson}:m0 = {mass:.10g}" for meson, mass in masses.items()),
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


def _check(
    energy: float,
    scale: float,
    m_pi: float,
    m_rho: float,
    m_quark: float,
    r_inv: float | None,
    n_colours: int,
    n_flavours: int,
    vector_share: float,
) -> None:
    """Refuse what Pythia cannot do, or would do without a word and differently."""
    for name, mass in (("m_pi", m_pi), ("m_rho", m_rho), ("m_quark", m_quark)):
        _refuse(mass <= 0, f"{name} = {mass:g} GeV", "choose a positive mass")
        _refuse(
            # Where two do not fit, Pythia makes invisible glueballs instead and r_inv is lost.
            2 * mass >= _LOWEST_MASS * energy,
            f"{name} = {mass:g} GeV: two are too heavy for a mediator of {energy:g} GeV",
            f"choose below {_LOWEST_MASS * energy / 2:g}",
        )
    for name, share in (("r_inv", r_inv), ("vector_share", vector_share)):
        _refuse(
            share is not None and not 0 <= share <= 1,
            f"{name} = {share} is no probability",
            "choose 0 to 1",
        )
    decaying = {"m_rho": m_rho} if r_inv is None else {"m_pi": m_pi, "m_rho": m_rho}
    for name, mass in decaying.items():
        _refuse(
            r_inv != 1 and mass <= _LIGHTEST_VISIBLE,
            f"{name} = {mass:g} GeV is too light to decay to any pair of quarks",
            f"choose above {_LIGHTEST_VISIBLE:g}, or r_inv = 1",
        )
    _refuse(
        _CUTOFF * scale < _LOWEST_CUTOFF,
        f"scale = {scale:g} GeV: the dark shower would go below {_LOWEST_CUTOFF} GeV",
        f"choose at least {_LOWEST_CUTOFF / _CUTOFF:.2g}",
    )
    _refuse(
        2 * _CUTOFF * scale >= energy,
        f"scale = {scale:g} GeV: the dark shower of a mediator of {energy:g} GeV would end, at "
        f"{_CUTOFF} Lambda, before it begins",
        f"choose below {energy / (2 * _CUTOFF):.4g}",
    )
    _refuse(
        n_colours < 2,
        f"n_colours = {n_colours}: such a force does not confine, there are no dark mesons",
        "choose at least 2",
    )
    _refuse(
        not 1 <= n_flavours <= 8,
        f"n_flavours = {n_flavours}: Pythia has 1 to 8 dark quarks",
        "choose 1 to 8",
    )


def _refuse(impossible: bool, what: str, fix: str) -> None:
    if impossible:
        raise ConfigError(what, where="dark sector", fix=fix)
