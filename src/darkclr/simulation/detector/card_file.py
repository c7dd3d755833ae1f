"""Reading detector cards from YAML; the shipped ones, ``atlas`` and ``cms``, lie in ``cards/``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np

from darkclr.errors import ConfigError, InputError
from darkclr.io.documents import read_yaml
from darkclr.simulation.detector.card import (
    CalorimeterCard,
    Card,
    Efficiency,
    EnergyFractions,
    EnergyResolution,
    Grid,
    PropagationCard,
    TrackingCard,
    TrackResolution,
)

__all__ = ["CARD_NAMES", "load_card"]

CARD_NAMES = ("atlas", "cms")


def load_card(name_or_path: str | Path) -> Card:
    """Read a detector card.

    Args:
        name_or_path: ``"atlas"``, ``"cms"``, or the path of a YAML file of the same layout.

    Raises:
        InputError: There is no such card, or the file does not have the layout of a card.
    """
    if name_or_path in CARD_NAMES:
        return _shipped(str(name_or_path))
    return _read(Path(name_or_path), str(name_or_path))


@cache
def _shipped(name: str) -> Card:
    folder = resources.files("darkclr.simulation.detector").joinpath("cards")
    return _read(folder.joinpath(f"{name}.yaml"), name)


def _read(source: Traversable, where: str) -> Card:
    fix = f"name one of {', '.join(CARD_NAMES)}, or a YAML file laid out like these"
    if not source.is_file():
        raise InputError("there is no such detector card", where=where, fix=fix)
    with resources.as_file(source) as path:
        content = read_yaml(path)
    try:
        return _card(content)
    except (ConfigError, AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"not a detector card ({type(error).__name__}: {error})"
        raise InputError(what, where=where, fix=fix) from error


def _card(data: Any) -> Card:
    _only(data, {"name", "propagation", "efficiency", "smearing", "ecal", "hcal"})
    species = {"charged_hadron", "electron", "muon"}
    _only(data["efficiency"], species)
    _only(data["smearing"], species)
    tracking = {
        kind: TrackingCard(_efficiency(data["efficiency"][kind]), _smearing(data["smearing"][kind]))
        for kind in species
    }
    propagation = PropagationCard(**{k: float(v) for k, v in data["propagation"].items()})
    return Card(
        name=str(data["name"]),
        propagation=propagation,
        ecal=_calorimeter(data["ecal"]),
        hcal=_calorimeter(data["hcal"]),
        **tracking,
    )


def _efficiency(data: Mapping[str, Any]) -> Efficiency:
    _only(data, {"abs_eta_up_to", "pt_above", "values", "falloff"})
    falloff = data.get("falloff")
    table = Efficiency(
        _increasing(data["abs_eta_up_to"]),
        _increasing(data["pt_above"]),
        np.array(data["values"], dtype=np.float64),
        falloff and tuple(float(falloff[key]) for key in ("pt_above", "constant", "slope")),
    )
    _same_shape(table.values, (len(table.abs_eta_up_to), len(table.pt_above)))
    return table


def _smearing(data: Mapping[str, Any]) -> TrackResolution:
    _only(data, {"abs_eta_up_to", "constant", "slope"})
    edges = _increasing(data["abs_eta_up_to"])
    constant, slope = (np.array(data[key], dtype=np.float64) for key in ("constant", "slope"))
    _same_shape(constant, edges.shape)
    _same_shape(slope, edges.shape)
    return TrackResolution(edges, constant, slope)


def _calorimeter(data: Mapping[str, Any]) -> CalorimeterCard:
    _only(data, {"energy_min", "significance_min", "cells", "fractions", "resolution"})
    return CalorimeterCard(
        float(data["energy_min"]),
        float(data["significance_min"]),
        _grid(data["cells"]),
        _fractions(data["fractions"]),
        _resolution(data["resolution"]),
    )


def _grid(blocks: list[Mapping[str, Any]]) -> Grid:
    edges: list[float] = []
    phi_bins: list[int] = []
    for block in blocks:
        _only(block, {"eta", "phi_bins"})
        eta = block["eta"]
        if isinstance(eta, Mapping):
            _only(eta, {"start", "step", "strips"})
            eta = eta["start"] + eta["step"] * np.arange(int(eta["strips"]) + 1)
        eta = [float(edge) for edge in eta]
        if edges and abs(edges[-1] - eta[0]) > 1e-9:
            raise ValueError(
                f"cells: a block starts at eta {eta[0]}, the last ended at {edges[-1]}"
            )
        # Of a shared edge the written-out number wins over start + k * step, which is rounded.
        edges = edges[:-1] + eta
        phi_bins += [int(block["phi_bins"])] * (len(eta) - 1)
    return Grid(_increasing(edges), np.array(phi_bins, dtype=np.int64))


def _fractions(data: Mapping[str, Any]) -> EnergyFractions:
    _only(data, {"default", "listed"})
    table = {
        abs(int(code)): float(entry["fraction"])
        for entry in data["listed"]
        for code in entry["pdg"]
    }
    codes = sorted(table)
    values = np.array([table[code] for code in codes])
    return EnergyFractions(np.array(codes, dtype=np.int64), values, float(data["default"]))


def _resolution(regions: list[Mapping[str, Any]]) -> EnergyResolution:
    flat = {"offset": 1.0, "curvature": 0.0, "centre": 0.0}
    rows = []
    for region in regions:
        _only(region, {"abs_eta_up_to", "stochastic", "noise", "constant", "eta_factor"})
        factor = region.get("eta_factor", flat)
        _only(factor, set(flat))
        rows.append(
            [float(region["abs_eta_up_to"])]
            + [float(region.get(key, 0.0)) for key in ("stochastic", "noise", "constant")]
            + [float(factor[key]) for key in flat]
        )
    columns = np.array(rows, dtype=np.float64).T
    return EnergyResolution(_increasing(columns[0]), *columns[1:])


def _only(data: Any, known: set[str]) -> None:
    if not isinstance(data, Mapping):
        raise TypeError(f"expected the keys {sorted(known)}, found {data!r}")
    if unknown := set(data) - known:
        raise ValueError(f"unknown keys {sorted(map(str, unknown))}, known are {sorted(known)}")


def _increasing(values: Any) -> np.ndarray:
    edges = np.array(values, dtype=np.float64)
    if edges.ndim != 1 or np.any(np.diff(edges) <= 0):
        raise ValueError(f"edges must increase: {values}")
    return edges


def _same_shape(values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"a table of shape {values.shape} does not fit its edges {shape}")
