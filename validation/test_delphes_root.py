"""Our reader of Delphes files against the jets that Delphes clustered itself; see README.md."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from darkclr.io import ReadOptions, read_jets
from darkclr.io.reading import recognise

FILE = Path(__file__).with_name("delphes_qcd_80events.root")


@pytest.fixture(scope="module")
def of_delphes():
    """Columns of ``RawJet``: anti-kT, R = 0.8, of the energy flow, above 20 GeV."""
    names = ("PT", "Eta", "Phi", "Mass", "NCharged", "NNeutrals")
    with uproot.open(FILE) as file:
        arrays = file["Delphes"].arrays([f"RawJet.{name}" for name in names])
    columns = {name: ak.to_numpy(ak.flatten(arrays[f"RawJet.{name}"])) for name in names}
    n = ak.to_numpy(ak.num(arrays["RawJet.PT"]))
    return columns | {"event": np.repeat(np.arange(len(n)), n)}


def test_a_file_of_delphes_gives_the_jets_of_delphes(of_delphes):
    assert recognise(FILE).layout.name == "delphes"
    jets = read_jets(FILE, options=ReadOptions(radius=0.8, pt_min=20))
    assert jets.event.tolist() == of_delphes["event"].tolist()
    np.testing.assert_allclose(jets.pt, of_delphes["PT"], rtol=1e-6)
    np.testing.assert_allclose(jets.eta, of_delphes["Eta"], atol=1e-6)
    np.testing.assert_allclose(jets.phi, of_delphes["Phi"], atol=1e-6)
    np.testing.assert_allclose(jets.mass, of_delphes["Mass"], rtol=1e-5, atol=1e-4)
    counts = of_delphes["NCharged"] + of_delphes["NNeutrals"]
    assert jets.n_constituents.tolist() == counts.tolist()
