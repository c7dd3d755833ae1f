from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot
from foreign import (
    random_jets,
    write_jetclass,
)

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets
from darkclr.io.reading import recognise


def test_jetclass(tmp_path):
    table = random_jets(5, seed=3)
    classes = ["QCD", "Hbb", "Tbqq", "QCD", "unknown"]
    path = write_jetclass(tmp_path / "a.root", table, classes)
    assert recognise(path).layout.name == "jetclass"
    jets = read_jets(path)
    assert jets.label.tolist() == [0, 1, 1, 0, -1]
    assert read_jets(path, options=ReadOptions(label=0)).label.tolist() == [0, 1, 1, 0, 0]
    flat = np.concatenate(table)
    assert jets.n_constituents.tolist() == [len(jet) for jet in table]
    np.testing.assert_allclose(jets.constituents.pt, flat[:, 0], rtol=2e-6)
    np.testing.assert_allclose(jets.constituents.eta, flat[:, 1], atol=2e-6)
    np.testing.assert_allclose(np.cos(jets.constituents.phi), np.cos(flat[:, 2]), atol=2e-6)
    # With and without the jets of the file: they are the sums of the constituents.
    own = ("jet_pt", "jet_eta", "jet_phi", "jet_energy")
    bare = read_jets(write_jetclass(tmp_path / "b.root", table, classes, **dict.fromkeys(own)))
    for name, tolerance in (("pt", 1e-3), ("eta", 1e-5), ("mass", 0.3)):
        np.testing.assert_allclose(getattr(bare, name), getattr(jets, name), atol=tolerance)


def test_numbers_of_classes_are_background_from_the_first_of_qcd_on(tmp_path):
    """As in JetClass-II: 161 to 187 are QCD, and what is no class is not known."""
    table = random_jets(6, seed=3)
    path = write_jetclass(tmp_path / "a.root", table, ["QCD"] * 6)
    with uproot.open(path) as file:
        columns = file["tree"].arrays(library="ak", how=dict)
    columns = {k: v for k, v in columns.items() if not k.startswith(("label_", "n"))}
    columns["jet_label"] = np.array([0, 160, 161, 187, 188, -1])
    ak.to_parquet(ak.Array(columns), tmp_path / "a.parquet")
    assert read_jets(tmp_path / "a.parquet").label.tolist() == [1, 1, 0, 0, -1, -1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"part_px": None}, r"missing columns \['part_px'\]; it has tree"),
        (
            {"part_px": ak.Array([[1.0], [1.0, 2.0], [1.0]])},
            "'part_energy' and 'part_px' have different lengths",
        ),
        ({"part_px": np.ones(3)}, "column 'part_px' is not a list of numbers an entry"),
        ({"label_Hbb": np.ones(3, dtype=int)}, "more than one of the labels"),
        (
            {"part_py": ak.Array([[np.nan, 1.0], [1.0, 2.0], [1.0, 1.0]])},
            "1 particles have NaN or infinite py",
        ),
    ],
)
def test_bad_jetclass_files_are_refused_by_name(tmp_path, change, message):
    table = [np.array([[50.0, 0.1, 0.2], [30.0, 0.2, 0.1]])] * 3
    path = write_jetclass(tmp_path / "a.root", table, ["QCD"] * 3, **change)
    with pytest.raises(InputError, match=message) as caught:
        read_jets(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
