"""Where the numbers of a page come from: energy and selection, versions, device, seeds, digests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from darkclr.report.run_files import RunFiles

__all__ = ["provenance", "selection"]

_UNKNOWN = "not recorded"


def selection(files: RunFiles) -> str:
    """Energy and selection of the jets in words, as far as the run knows them.

    That of the samples, or the domain of the encoder; what samples do not share is left out.
    """
    made = [one for one in files.provenance.values() if one]
    cuts = [_mapping(one, "selection") for one in made] or [_mapping(files.encoder, "domain")]
    energy, radius, low, high, eta = (
        _shared(values)
        for values in (
            [_beam_energy(one) for one in made],
            *(
                [cut.get(name) for cut in cuts]
                for name in ("radius", "pt_min", "pt_max", "abs_eta_max")
            ),
        )
    )
    parts = []
    if energy is not None:
        parts.append(f"{energy / 1000:g} TeV")
    if radius is not None:
        parts.append(f"anti-kT R = {radius:g}")
    if low is not None and high is not None:
        parts.append(f"{low:g}–{high:g} GeV")
    elif low is not None:
        parts.append(f"above {low:g} GeV")
    if eta is not None:
        parts.append(f"|η| < {eta:g}")
    return ", ".join(parts)


def provenance(files: RunFiles, versions: Mapping[str, str]) -> dict[str, str]:
    """What made the numbers, line by line.

    Args:
        files: of the run.
        versions: of the packages that evaluated it, by name.
    """
    encoder = files.encoder
    training, trained = _mapping(encoder, "training"), _mapping(encoder, "trained_with")
    simulated = {
        k: v for one in files.provenance.values() for k, v in _mapping(one, "versions").items()
    }
    seeds = {f"sample {files.title(n)}": one.get("seed") for n, one in files.provenance.items()}
    seeds |= {
        "split": _mapping(encoder, "split").get("seed"),
        "training": training.get("seed"),
    }
    rows = {
        "selection": selection(files),
        "detector": ", ".join(
            sorted({str(one["card"]) for one in files.provenance.values() if one.get("card")})
        ),
        "Pythia, FastJet": " · ".join(
            f"{name} {simulated[name]}" for name in ("pythia8mc", "fastjet") if name in simulated
        ),
        "PyTorch": str(trained.get("torch") or _UNKNOWN),
        "device of the training": str(
            trained.get("device") or f"{_UNKNOWN} (asked for: {training.get('device', '–')})"
        ),
        "other versions": " · ".join(f"{name} {v}" for name, v in versions.items()),
        "seeds": " · ".join(f"{name} {seed}" for name, seed in seeds.items() if seed is not None),
        "training jets": _digest(_mapping(encoder, "training_jets"), "sha256"),
        "encoder (SHA-256)": _digest(_mapping(encoder, "digests"), "model.safetensors"),
    }
    return {name: text for name, text in rows.items() if text}


def _digest(found: Mapping[str, Any], name: str) -> str:
    if name not in found:
        return _UNKNOWN
    return f"{found['n']:,} jets, {found[name]}" if "n" in found else str(found[name])


def _mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, Mapping) else {}


def _beam_energy(made: Mapping[str, Any]) -> float | None:
    """Of the two beams together [GeV], as Pythia was told it."""
    settings = made.get("pythia_settings")
    for line in settings if isinstance(settings, list) else []:
        if found := re.fullmatch(r"Beams:eCM\s*=\s*([\d.]+)", str(line)):
            return float(found[1])
    return None


def _shared(values: list[Any]) -> float | None:
    """The one number that all of them are."""
    first = values[0] if values else None
    if not isinstance(first, int | float) or isinstance(first, bool):
        return None
    return float(first) if all(value == first for value in values) else None
