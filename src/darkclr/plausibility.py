"""What may become :class:`~darkclr.jets.Jets`: numbers that are momenta in GeV and angles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from darkclr.errors import InputError

__all__ = [
    "BEAM_ENERGY",
    "MAX_ABS_ETA",
    "MAX_ABS_PHI",
    "MAX_CONSTITUENTS",
    "check_angles",
    "check_constituents",
    "check_pt",
    "exact_integers",
    "refuse_infinite",
]

#: No jet of the LHC has more [GeV]; a larger momentum means MeV instead of GeV.
BEAM_ENERGY = 7000.0
# One turn, and rounding; a larger value means degrees instead of radians.
MAX_ABS_PHI = 2 * np.pi * 1.001
# 0.1 mrad from the beam, where no detector is; a larger value is no pseudorapidity.
MAX_ABS_ETA = 10.0
#: No jet has more constituents, and no collision more particles that reach a detector.
MAX_CONSTITUENTS = 100_000


def check_constituents(
    offsets: NDArray,
    pt: NDArray,
    eta: NDArray,
    phi: NDArray,
    *,
    where: object,
    beam_energy: float | None = BEAM_ENERGY,
) -> None:
    """Refuse flat constituents that cannot be those of jets with these offsets (n + 1,).

    Args:
        offsets, pt, eta, phi: of the constituents.
        where: name of the source for error messages.
        beam_energy: largest momentum that a constituent may have [GeV]; any if None.

    Raises:
        InputError: no jets, jets without constituents, lengths that do not match, and what is
            neither a momentum in GeV nor an angle.
    """
    lengths = np.diff(offsets)
    if len(offsets) < 2:
        raise InputError("there are no jets", where=where, fix="check the selection")
    if (lengths < 0).any() or offsets[0] != 0 or any(len(x) != offsets[-1] for x in (pt, eta, phi)):
        raise InputError("constituents and offsets do not fit together", where=where)
    if (lengths == 0).any():
        raise InputError(
            f"{int((lengths == 0).sum())} of {len(lengths)} jets have no constituents",
            where=where,
            fix="remove them",
        )
    columns = {"pt": pt, "eta": eta, "phi": phi}
    # The extremes of an array with NaN are NaN: two fast passes where nothing is wrong.
    extremes = {name: np.array([values.min(), values.max()]) for name, values in columns.items()}
    for name, values in columns.items():
        if not np.isfinite(extremes[name]).all():
            bad = np.count_nonzero(~np.isfinite(values))
            raise InputError(
                f"{bad} constituents have NaN or infinite {name}", where=where, fix="remove them"
            )
    if extremes["pt"][0] <= 0:
        raise InputError(
            f"{np.count_nonzero(pt <= 0)} constituents have zero or negative pT",
            where=where,
            fix="remove them",
        )
    check_pt(extremes["pt"], "constituent", where, beam_energy)
    check_angles(extremes["eta"], extremes["phi"], "constituent", where)


def check_pt(
    pt: NDArray, what: str, where: object, beam_energy: float | None = BEAM_ENERGY
) -> None:
    """Refuse momenta (n,), n > 0, above the beam energy, if there is one.

    Args:
        pt: of the objects [GeV].
        what: these are, in the singular: "jet".
        where: name of the source for error messages.
        beam_energy: largest momentum that is possible [GeV]; any if None.

    Raises:
        InputError: there are any.
    """
    if beam_energy is not None and pt.max() > beam_energy:
        raise InputError(
            f"a {what} has pT = {pt.max():.4g} GeV, above the beam energy of {beam_energy:.4g}",
            where=where,
            fix="the file is probably in MeV: divide by 1000, or give the beam_energy of its "
            "collider among the options",
        )


def check_angles(eta: NDArray, phi: NDArray, what: str, where: object) -> None:
    """Refuse what is no pseudorapidity or no azimuth in radians; NaN and infinity are let pass.

    Args:
        eta, phi: flat, of the same objects.
        what: these are, in the singular: "jet".
        where: name of the source for error messages.

    Raises:
        InputError: an azimuth beyond one turn, a pseudorapidity above 10.
    """
    if not len(phi):
        return
    largest = max(-phi.min(), phi.max())
    if MAX_ABS_PHI < largest < np.inf:
        raise InputError(
            f"a {what} has |phi| = {largest:.4g}, more than 2 pi",
            where=where,
            fix="the azimuth is probably in degrees: give radians",
        )
    largest = max(-eta.min(), eta.max())
    if MAX_ABS_ETA < largest < np.inf:
        raise InputError(
            f"a {what} has |eta| = {largest:.4g}, closer to the beam than any detector",
            where=where,
            fix="the column is probably not the pseudorapidity: check names and order",
        )


def exact_integers(values: ArrayLike, dtype: type[np.integer], name: str, where: object) -> NDArray:
    """Whole numbers as integers of a type, each equal to what it was.

    Args:
        values: numbers of any type, (n,) or a single one.
        dtype: of the result.
        name: of the column.
        where: name of the source for error messages.

    Raises:
        InputError: a fraction, NaN, a number that the type has no room for, or no number at all.

    >>> exact_integers([0.0, 3.0], np.int8, "rank", None)
    array([0, 3], dtype=int8)
    """
    values = np.asarray(values)
    if values.dtype == dtype:
        return values
    if values.dtype.kind not in "biuf":
        raise InputError(f"column {name!r} is of type {values.dtype}", where=where)
    with np.errstate(invalid="ignore"):
        result = values.astype(dtype)
    if (wrong := np.atleast_1d(result != values)).any():
        i = int(wrong.argmax())
        raise InputError(
            f"the {name} {np.atleast_1d(values)[i]} of jet {i} is no whole number of "
            f"{np.dtype(dtype).itemsize * 8} bits",
            where=where,
            fix=f"give integers from {np.iinfo(dtype).min} to {np.iinfo(dtype).max}",
        )
    return result


def refuse_infinite(columns: Mapping[str, NDArray], event: NDArray, rank: NDArray) -> None:
    """Refuse what a model has made of jets if it is no number, naming the first jet.

    Args:
        columns: (n,) or (n, d) each.
        event, rank: (n,) of the jets.

    Raises:
        InputError: NaN or infinite values.
    """
    for name, values in columns.items():
        if not np.isfinite(values).all():
            bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            i = int(bad.argmax())
            raise InputError(
                f"{name} is NaN or infinite for {bad.sum()} of {len(bad)} jets, the first of them "
                f"jet {rank[i]} of event {event[i]}",
                fix="the model is damaged or these jets are like none that it knows: train or fit "
                "it again",
            )
