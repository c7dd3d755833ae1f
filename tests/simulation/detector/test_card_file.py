from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from darkclr.errors import InputError
from darkclr.simulation.detector import load_card


@pytest.mark.parametrize("name", ["lhcb", "no/such/file.yaml", ""])
def test_unknown_cards_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="atlas, cms"):
        load_card(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("energy_min: 0.5", "energy_minimum: 0.5"),
        ("radius: 1.15", "radios: 1.15"),
        ("radius: 1.15", "radius: -1.15"),
        ("abs_eta_up_to: [1.5, 2.5]", "abs_eta_up_to: [2.5, 1.5]"),
        ("abs_eta_up_to: [1.5, 2.5]", "abs_eta_up_to: [1.5, 1.5]"),
        ("values: [[0.70, 0.95], [0.60, 0.85]]", "values: [[0.70, 0.95]]"),
        ("{eta: [2.6, 2.8, 3.0, 3.2], phi_bins: 18}", "{eta: [2.7, 2.8, 3.0, 3.2], phi_bins: 18}"),
        ("default: 1.0", "default: one"),
        ("muon:", "muons:"),
        ("name: atlas", "name: [atlas"),
    ],
)
def test_broken_cards_are_refused(tmp_path: Path, old: str, new: str) -> None:
    shipped = resources.files("darkclr.simulation.detector").joinpath("cards", "atlas.yaml")
    text = shipped.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_card(path).name == "atlas"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=r"not a detector card|is not YAML"):
        load_card(path)
