from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot
from foreign import (
    write_pfnano,
)

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise
from darkclr.jets import Jets

#: Two events; the second jet shares no candidate; a candidate outside jets; -1: not stored.
NANO = [
    {
        "event": 77,
        "jets": [(410, 1.0, 3.1, 90), (250, -1.0, 0.0, 20)],
        "candidates": [
            (300, 1.0, 3.1, 1.0),
            (200, 1.1, -3.12, 0.5),
            (9, 0, 0, 1),
            (250, -1, 0, 1.0),
        ],
        "pairs": [(0, 0), (0, 1), (1, 3), (0, -1)],
    },
    {"event": 78, "jets": [], "candidates": [(5, 1, 1, 1)], "pairs": []},
    {
        "event": 79,
        "jets": [(300, 2.0, -2.0, 30)],
        "candidates": [(10, 2, -2.1, 0.0), (290, 2.0, -2.0, 1.0)],
        "pairs": [(0, 1), (0, 0)],
    },
]


def test_pfnano_joins_candidates_to_jets(tmp_path):
    path = write_pfnano(tmp_path / "a.root", NANO)
    assert recognise(path).layout.name == "pfnano"
    for size in (1, 100):
        jets = Jets.concatenate(list(iterate_jets(path, batch_size=size)))
        assert jets.event.tolist() == [77, 77, 79]
        assert jets.rank.tolist() == [0, 1, 0]
        assert jets.pt.tolist() == [410, 250, 300]
        assert jets.mass.tolist() == [90, 20, 30]
        # Scaled with the PUPPI weight; weight 0 is no constituent.
        assert jets.n_constituents.tolist() == [2, 1, 1]
        np.testing.assert_allclose(jets.constituents.pt, [300, 100, 250, 290])
        np.testing.assert_allclose(jets.constituents.phi, [3.1, -3.12, 0, -2], rtol=1e-6)


def test_jets_have_the_weight_of_their_event(tmp_path):
    path = write_pfnano(tmp_path / "b.root", NANO)
    assert read_jets(path).weight.tolist() == [1, 1, 1]
    path = write_pfnano(tmp_path / "b.root", NANO, genWeight=np.array([2.5, 9, -3], np.float32))
    signed = ReadOptions(negative_weights="keep")
    assert read_jets(path, options=signed).weight.tolist() == [2.5, 2.5, -3]
    path = write_pfnano(tmp_path / "b.root", NANO, genWeight=np.array([1, np.inf, np.nan]))
    with pytest.raises(InputError, match="2 events have a NaN or infinite weight 'genWeight'"):
        read_jets(path)


def test_bad_links_are_refused(tmp_path):
    pairs = [NANO[0] | {"pairs": [(0, 0), (0, 4), (1, 3)]}]
    with pytest.raises(InputError, match="points at jets or candidates that are not there"):
        read_jets(write_pfnano(tmp_path / "b.root", pairs))
    pairs = [NANO[0] | {"pairs": [(0, 0)]}]
    with pytest.raises(InputError, match="1 of 2 jets have no constituents"):
        read_jets(write_pfnano(tmp_path / "c.root", pairs))


def as_nanoaod(path, events, *, puppi_weight: bool = False, index: str = "pfCandIdx", **more):
    """NanoAOD v15: PhysicsTools/NanoAOD/python/jetConstituents_cff.py of cms-sw/cmssw."""
    nothing = dict.fromkeys(("PFCands", "FatJetPFCands"))
    rows = [[np.array(row, float) for row in event["candidates"]] for event in events]
    fields = ("pt", "eta", "phi", *(["puppiWeight"] if puppi_weight else []))
    candidates = {
        name: ak.values_astype(ak.Array([[row[i] for row in event] for event in rows]), np.float32)
        for i, name in enumerate(fields)
    }
    links = {
        name: ak.values_astype(
            ak.Array([[pair[i] for pair in event["pairs"]] for event in events]), np.int32
        )
        for i, name in enumerate(("jetIdx", index))
    }
    return write_pfnano(
        path, events, **nothing, PFCand=ak.zip(candidates), FatJetPFCand=ak.zip(links), **more
    )


@pytest.mark.parametrize("index", ["pfCandIdx", "PFCandIdx", "pFCandsIdx"])
def test_candidates_of_nanoaod_are_scaled_already(tmp_path, index):
    path = as_nanoaod(tmp_path / "a.root", NANO, index=index)
    found = recognise(path)
    assert found.layout.name == "pfnano"
    assert found.why == "it has the columns FatJet_*, PFCand_* and FatJetPFCand_*"
    jets = read_jets(path)
    assert jets.n_constituents.tolist() == [2, 1, 2]
    assert jets.constituents.pt.tolist() == [300, 200, 250, 290, 10]
    # Other programs write the unscaled ones under the same name, and the weight beside them.
    jets = read_jets(as_nanoaod(tmp_path / "b.root", NANO, index=index, puppi_weight=True))
    assert jets.constituents.pt.tolist() == [300, 100, 250, 290]


def test_forward_jets_of_nanoaod_have_no_candidates(tmp_path, caplog):
    """It keeps them up to abs(eta) = 2.5; a central jet without any is still a mistake."""
    # The limit is that of the jet before its pseudorapidity was rounded to 12 bits.
    forward = NANO[0] | {"jets": [*NANO[0]["jets"], (200, -2.5, 1, 9), (180, 3.1, 2, 9)]}
    jets = read_jets(as_nanoaod(tmp_path / "a.root", [forward, *NANO[1:]]))
    assert jets.pt.tolist() == [410, 250, 300]
    assert jets.rank.tolist() == [0, 1, 0]
    assert "2 forward jets, whose candidates are not stored, left out" in caplog.text
    central = NANO[0] | {"jets": [*NANO[0]["jets"], (200, -2.4, 1, 9)]}
    with pytest.raises(InputError, match="1 of 3 jets have no constituents"):
        read_jets(as_nanoaod(tmp_path / "b.root", [central]))


def official(path, events, *, data: bool):
    """As CMS distributes it: many branches and trees more, jets without constituents wanted."""
    n = len(events)
    counts = ak.Array([[0.5] * len(event["jets"]) for event in events])
    more = {
        "run": np.ones(n, np.uint32),
        "luminosityBlock": np.ones(n, np.uint32),
        "bunchCrossing": np.ones(n, np.uint32),
        "HLT_AK8PFJet400": np.ones(n, bool),
        "Flag_goodVertices": np.ones(n, bool),
        "Jet": ak.zip({"pt": counts, "btagDeepFlavB": counts}),
        "LHEScaleWeight": ak.Array([[1.0, 0.5]] * n),
    }
    if not data:
        more["genWeight"] = np.full(n, -2.5, np.float32)
    as_nanoaod(path, events, **more)
    with uproot.update(path) as file:
        file.mktree("Runs", {"run": np.uint32})
        file["Runs"].extend({"run": np.ones(1, np.uint32)})
        file.mktree("LuminosityBlocks", {"run": np.uint32, "luminosityBlock": np.uint32})
    return path


@pytest.mark.parametrize("data", [True, False])
def test_official_files_have_more_trees_and_branches(tmp_path, data):
    path = official(tmp_path / "a.root", NANO, data=data)
    assert recognise(path).table.name == "Events"
    jets = read_jets(path, options=ReadOptions(negative_weights="keep"))
    assert jets.event.tolist() == [77, 77, 79]
    assert jets.weight.tolist() == ([1, 1, 1] if data else [-2.5, -2.5, -2.5])


@pytest.mark.parametrize("name", ["LHEScaleWeight", "LHEPdfWeight", "PSWeight"])
def test_ratios_of_weights_are_multiplied_by_the_nominal_one(tmp_path, name):
    ratios = ak.values_astype(ak.Array([[1, 0.5], [1, 1], [1, 2]]), np.float32)
    nominal = np.array([2.5, 9, -3], np.float32)
    path = write_pfnano(tmp_path / "a.root", NANO, genWeight=nominal, **{name: ratios})
    options = ReadOptions(negative_weights="keep", weight=f"{name}[1]")
    assert read_jets(path, options=options).weight.tolist() == [1.25, 1.25, -6]
    options = ReadOptions(negative_weights="keep", weight="genWeight")
    assert read_jets(path, options=options).weight.tolist() == [2.5, 2.5, -3]


def test_nanoaod_without_candidates_is_told_where_there_are_some(tmp_path):
    path = write_pfnano(tmp_path / "a.root", NANO, PFCands=None, FatJetPFCands=None)
    with pytest.raises(InputError, match=r"missing columns \['PFCands_pt.*since version 15"):
        read_jets(path)
