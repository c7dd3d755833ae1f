"""Files of real programs, with jets of their own: those that coffea's tests read.

They are in the source archive of coffea on PyPI (30 MB), which is fetched from there.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("uproot")
pytest.importorskip("fastjet")

import awkward as ak
import uproot

from darkclr.errors import InputError
from darkclr.io import read_jets
from darkclr.io.options import ReadOptions
from darkclr.jets import Jets
from darkclr.kinematics import four_vector_sum

pytestmark = pytest.mark.nightly

_SOURCE = "coffea==2026.9.0"


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("coffea")
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, _SOURCE], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (found,) = folder.glob("*/tests/samples")
    return found


def flat(tree, name: str) -> np.ndarray:
    return ak.to_numpy(ak.flatten(tree[name].array()))


def summed_pt(jets: Jets) -> np.ndarray:
    c = jets.constituents
    return four_vector_sum(c.pt, c.eta, c.phi, c.offsets)[0]


def test_jets_of_delphes_are_those_that_delphes_has_clustered(samples):
    path = samples / "delphes.root"
    tree = uproot.open(path)["Delphes"]
    pt, eta, mass = (flat(tree, f"ParticleFlowJet08.{x}") for x in ("PT", "Eta", "Mass"))
    event = np.repeat(np.arange(tree.num_entries), ak.num(tree["ParticleFlowJet08.PT"].array()))
    hard = pt > 30  # the card of the file keeps those above 25 GeV
    jets = read_jets(path, options=ReadOptions(pt_min=30))
    assert len(jets) > 100
    order, own = np.lexsort((jets.pt, jets.event)), np.lexsort((pt[hard], event[hard]))
    np.testing.assert_array_equal(jets.event[order], event[hard][own])
    np.testing.assert_allclose(jets.pt[order], pt[hard][own], rtol=1e-4)
    np.testing.assert_allclose(jets.eta[order], eta[hard][own], atol=1e-4)
    # Energies of tracks are not stored, and not all are those of their momenta and masses.
    assert np.quantile(np.abs(jets.mass[order] / mass[hard][own] - 1), 0.95) < 1e-3


def test_constituents_of_nanoaod_add_up_to_the_jets_before_their_calibration(samples):
    path = samples / "nano_tt_v15.root"
    tree = uproot.open(path)["Events"]
    jets = read_jets(path)
    raw = flat(tree, "FatJet_pt") * (1 - flat(tree, "FatJet_rawFactor"))
    stored = np.abs(flat(tree, "FatJet_eta")) < 3  # candidates of forward jets are not
    assert len(jets) == stored.sum() < len(raw)
    np.testing.assert_allclose(np.sort(summed_pt(jets)), np.sort(raw[stored]), rtol=5e-3)
    n_constituents = flat(tree, "FatJet_nConstituents")[stored]
    assert sorted(jets.n_constituents) == sorted(n_constituents)


@pytest.mark.parametrize("name", ["pfnano.root", "pfnano_rntuple.root"])
def test_weighted_constituents_of_pfnano_add_up_likewise(samples, name):
    tree = uproot.open(samples / name)["Events"]
    jets = read_jets(samples / name)
    raw = flat(tree, "FatJet_pt") * (1 - flat(tree, "FatJet_rawFactor"))
    np.testing.assert_allclose(np.sort(summed_pt(jets)), np.sort(raw), rtol=5e-3)


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_tt_v12.root", "nano_dy.parquet"])
def test_nanoaod_without_candidates_says_so(samples, name):
    with pytest.raises(InputError, match="holds candidates since version 15"):
        read_jets(samples / name)


@pytest.mark.parametrize("name", ["bad_delphes.root", "nano_dy_empty.root", "treemaker.root"])
def test_files_without_jets_are_refused(samples, name):
    with pytest.raises(InputError, match=r"there are no jets|no known layout"):
        read_jets(samples / name)
