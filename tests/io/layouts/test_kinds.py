"""What constituents are, as far as files of each layout say it."""

from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign import (
    random_jets,
    write_aspen,
    write_columns,
    write_delphes,
    write_jetclass,
    write_pfnano,
)

from darkclr.errors import InputError
from darkclr.io import iterate_jets
from darkclr.io.layouts.kinds import kinds_of_pdg, pdg_of_kinds
from darkclr.jets import KINDS, Constituents, Jets

NUMBERS = {
    "charged hadron": (211, -321, 2212, -3112, 411, 3334),
    "neutral hadron": (130, 310, 2112, 3122, 111, 1),
    "photon": (22, 2),
    "electron": (11, -11),
    "muon": (-13,),
    "other": (12, 0),
}


def drawn(jets, seed=5):
    """A kind and a number of it for every constituent."""
    rng = np.random.default_rng(seed)
    kinds = [rng.choice(list(NUMBERS), size=len(jet)) for jet in jets]
    return kinds, [np.array([rng.choice(NUMBERS[k]) for k in row]) for row in kinds]


def told(path, **options):
    """(pt, kind) of all constituents of each jet, the hardest first."""
    constituents = Jets.concatenate(list(iterate_jets(path, kinds=True, **options))).constituents
    names = [KINDS[number] for number in constituents.kind]
    return constituents.pt, names


@pytest.mark.parametrize("layout", ["jetclass", "aspen", "native"])
def test_constituents_keep_their_kinds_however_they_are_sorted(layout, tmp_path):
    jets = [jet[::-1] for jet in random_jets(20, seed=3)]  # the softest first
    kinds, numbers = drawn(jets)
    expected = [k for row in kinds for k in row[::-1]]
    path = tmp_path / "a.root"
    if layout == "jetclass":
        flags = {
            f"part_is{name.title().replace(' ', '')}": ak.Array([row == name for row in kinds])
            for name in NUMBERS
            if name != "other"
        }
        write_jetclass(path, jets, ["QCD"] * 20, **flags)
    elif layout == "native":
        names = ("constituent_pt", "constituent_eta", "constituent_phi")
        columns = {name: [jet[:, k] for jet in jets] for k, name in enumerate(names)}
        path = write_columns(tmp_path / "a.parquet", columns | {"constituent_pdg_id": numbers})
    else:
        puppi = [np.ones(len(jet)) for jet in jets]
        puppi[0][0] = 0  # belongs to no jet
        del expected[len(jets[0]) - 1]
        kinematics = np.tile([200.0, 0.1, 0.1, 20.0], (20, 1))
        path = write_aspen(tmp_path / "a.h5", jets, kinematics, puppi=puppi, event=range(20))
        with h5py.File(path, "r+") as file:
            for i, row in enumerate(numbers):
                file["PFCands"][i, : len(row), 9] = row
    pt, found = told(path)
    assert found == expected
    assert len(pt) == len(found)
    (jets,) = iterate_jets(path)
    assert jets.constituents.kind is None  # nobody asked


def test_candidates_of_cms_have_numbers(tmp_path):
    momenta = ((50.0, 0.1, 0.1), (90.0, 0.2, 0.1), (9.0, 0.1, 0.3), (20.0, 0.1, 0.2))
    candidates = [(*m, weight) for m, weight in zip(momenta, (1, 1, 0, 0.5), strict=True)]
    event = {"event": 1, "jets": [(160.0, 0.1, 0.1, 20.0)], "candidates": candidates}
    event["pairs"] = [(0, k) for k in range(4)]
    numbers = ak.Array([np.array([22, -211, 130, 13], dtype=np.int32)])
    path = write_pfnano(tmp_path / "a.root", [event], PFCands_pdgId=numbers)
    assert told(path)[1] == ["charged hadron", "photon", "muon"]


def test_objects_of_delphes_are_of_the_kind_of_their_collection_or_of_their_number(tmp_path):
    tracks = {"PT": [[60.0, 20.0]], "Eta": [[1.0, 1.1]], "Phi": [[1.0, 1.1]]}
    towers = {"ET": [[25.0]], "Eta": [[1.05]], "Phi": [[1.0]]}
    hadrons = {"ET": [[40.0]], "Eta": [[1.0]], "Phi": [[1.05]]}
    objects = {"EFlowTrack": tracks, "EFlowPhoton": towers, "EFlowNeutralHadron": hadrons}
    path = write_delphes(tmp_path / "a.root", objects)
    assert told(path)[1] == ["charged hadron", "neutral hadron", "photon", "charged hadron"]
    numbered = objects | {"EFlowTrack": tracks | {"PID": [[211, -11]]}}
    path = write_delphes(tmp_path / "b.root", numbered)
    assert told(path)[1] == ["charged hadron", "neutral hadron", "photon", "electron"]


def test_kinds_come_back_from_their_numbers():
    kinds = np.arange(len(KINDS), dtype=np.int8)
    assert kinds_of_pdg(pdg_of_kinds(kinds)).tolist() == kinds.tolist()


def test_kinds_of_too_few_constituents_are_refused(tmp_path):
    columns = {f"constituent_{name}": [[5.0, 4.0], [3.0]] for name in ("pt", "eta", "phi")}
    table = pa.table(columns | {"constituent_pdg_id": [[22], [211]]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="constituent_pdg_id"):
        told(tmp_path / "a.parquet")


def test_kinds_go_with_their_constituents():
    offsets, pt = np.array([0, 2, 5]), np.array([1, 2, 3, 9, 5], dtype=np.float32)
    jets = Constituents(offsets, pt, pt / 10, pt / 10, kind=np.arange(5, dtype=np.int8))
    assert jets.sorted().kind.tolist() == [1, 0, 3, 4, 2]
    assert jets.hardest(1).kind.tolist() == [1, 3]
    assert jets[[1]].kind.tolist() == [2, 3, 4]
    assert Constituents.concatenate([jets[[1]], jets[[0]]]).kind.tolist() == [2, 3, 4, 0, 1]
    unknown = Constituents(offsets, pt, pt, pt)
    assert Constituents.concatenate([jets, unknown]).kind is None
