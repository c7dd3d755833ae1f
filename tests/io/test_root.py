from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from foreign import random_jets, write_delphes, write_jetclass, write_pfnano

from darkclr.errors import InputError
from darkclr.io import ReadOptions, iterate_jets, read_jets
from darkclr.io.reading import recognise
from darkclr.jets import Jets

#: Two jets back to back, of a track of some mass, a photon and a neutral hadron each, and an
#: event of one jet; Delphes sorts objects by pT.
TRACKS = {
    "PT": [[60.0, 50.0], [40.0]],
    "Eta": [[-1.0, 1.0], [0.5]],
    "Phi": [[3.1, -0.1], [1.0]],
    "Mass": [[0.5, 0.9], [0.1]],
}
PHOTONS = {"ET": [[30.0, 20.0], [10.0]], "Eta": [[1.1, -1.1], [0.6]], "Phi": [[0.0, -3.1], [1.1]]}
HADRONS = {"ET": [[25.0], []], "Eta": [[-0.9], []], "Phi": [[3.0], []]}
EFLOW = {"EFlowTrack": TRACKS, "EFlowPhoton": PHOTONS, "EFlowNeutralHadron": HADRONS}


def four_vector(pt, eta, phi, mass=0.0):
    p = np.array([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
    return np.array([np.sqrt(p @ p + mass**2), *p])


def test_delphes_energy_flow_is_clustered(tmp_path):
    path = write_delphes(tmp_path / "a.root", EFLOW)
    found = recognise(path)
    assert found.layout.name == "delphes"
    assert found.layout.holds_events
    assert "EFlowTrack, EFlowPhoton, EFlowNeutralHadron" in found.why
    jets = read_jets(path)
    assert jets.event.tolist() == [0, 0, 1]
    assert jets.rank.tolist() == [0, 1, 0]
    np.testing.assert_allclose(jets.constituents.pt, [60, 25, 20, 50, 30, 40, 10])
    np.testing.assert_allclose(jets.constituents.eta, [-1, -0.9, -1.1, 1, 1.1, 0.5, 0.6])
    # Tracks have their mass, towers none: the sum of the four-vectors is the jet.
    total = four_vector(60, -1, 3.1, 0.5) + four_vector(20, -1.1, -3.1) + four_vector(25, -0.9, 3.0)
    assert jets.pt[0] == pytest.approx(np.hypot(total[1], total[2]), rel=1e-6)
    assert jets.eta[0] == pytest.approx(np.arcsinh(total[3] / jets.pt[0]), rel=1e-6)
    mass = np.sqrt(total[0] ** 2 - total[1:] @ total[1:])
    assert jets.mass[0] == pytest.approx(mass, rel=1e-4)
    assert jets.label.tolist() == [-1] * 3
    for size in (1, 100):
        again = Jets.concatenate(list(iterate_jets(path, batch_size=size)))
        assert again.event.tolist() == jets.event.tolist()
        assert again.pt.tobytes() == jets.pt.tobytes()


def test_radius_and_cuts_are_options(tmp_path):
    path = write_delphes(tmp_path / "a.root", EFLOW)
    assert read_jets(path, options=ReadOptions(pt_min=60)).event.tolist() == [0, 0]
    assert len(read_jets(path, options=ReadOptions(radius=0.05))) == 6
    assert len(read_jets(path, options=ReadOptions(radius=0.05, pt_min=0))) == 7
    assert read_jets(path, options=ReadOptions(abs_eta_max=0.9)).event.tolist() == [1]
    with pytest.raises(InputError, match="none of 3 jets passes the cuts"):
        read_jets(path, options=ReadOptions(abs_eta_max=0.1))
    with pytest.raises(InputError, match="there are no jets; check the cuts and the units"):
        read_jets(path, options=ReadOptions(pt_min=2000))


def test_particle_flow_candidates_are_preferred(tmp_path):
    """Candidates are the same objects as the energy flow: both together would count twice."""
    candidates = {
        "PT": [[60.0, 20.0], [40.0]],
        "Eta": [[-1.0, -1.1], [0.5]],
        "Phi": [[3.1, -3.1], [1.0]],
        "Mass": [[0.5, 0.0], [0.1]],
    }
    path = write_delphes(tmp_path / "a.root", EFLOW | {"ParticleFlowCandidate": candidates})
    assert "ParticleFlowCandidate" in recognise(path).why
    jets = read_jets(path)
    np.testing.assert_allclose(jets.constituents.pt, [60, 20, 40])


def test_tracks_of_old_delphes_are_massless(tmp_path):
    tracks = {k: v for k, v in TRACKS.items() if k != "Mass"}
    path = write_delphes(tmp_path / "a.root", EFLOW | {"EFlowTrack": tracks})
    assert len(read_jets(path)) == 3


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
    """The nominal weight of Delphes is Event.Weight, else the first of Weight.Weight."""
    several = {"Weight": {"Weight": [[3.0, 99.0], [-4.0, 99.0]]}}
    nominal = {"Event": {"Weight": [[0.5], [-1.5]]}}
    for extra, expected in (
        ({}, [1, 1, 1]),
        (several, [3, 3, -4]),
        (several | nominal, [0.5, 0.5, -1.5]),
    ):
        jets = read_jets(write_delphes(tmp_path / "a.root", EFLOW | extra))
        assert jets.weight.tolist() == expected
    path = write_pfnano(tmp_path / "b.root", NANO)
    assert read_jets(path).weight.tolist() == [1, 1, 1]
    path = write_pfnano(tmp_path / "b.root", NANO, genWeight=np.array([2.5, 9, -3], np.float32))
    assert read_jets(path).weight.tolist() == [2.5, 2.5, -3]


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    for values, message in (
        ([[1.0], [np.nan]], "1 events have a NaN or infinite weight 'Event.Weight'"),
        ([[], [1.0]], "1 events have no weight in 'Event.Weight'"),
    ):
        path = write_delphes(tmp_path / "a.root", EFLOW | {"Event": {"Weight": values}})
        with pytest.raises(InputError, match=message):
            read_jets(path)
    path = write_pfnano(tmp_path / "b.root", NANO, genWeight=np.array([1, np.inf, np.nan]))
    with pytest.raises(InputError, match="2 events have a NaN or infinite weight 'genWeight'"):
        read_jets(path)


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


def test_bad_events_are_refused_by_name(tmp_path):
    def changed(field, value):
        tracks = {k: [list(row) for row in v] for k, v in TRACKS.items()}
        tracks[field][1][0] = value
        return write_delphes(tmp_path / "a.root", EFLOW | {"EFlowTrack": tracks})

    for field, value, message in (
        ("Eta", np.nan, "1 particles have NaN or infinite eta"),
        ("PT", -1.0, "1 particles have negative pT"),
        ("PT", 4e4, "probably in MeV"),
        ("Phi", 180.0, "probably in degrees"),
        ("Eta", 57.0, "a particle has .eta. = 57, .* not the pseudorapidity"),
    ):
        with pytest.raises(InputError, match=message):
            read_jets(changed(field, value))
    pairs = [NANO[0] | {"pairs": [(0, 0), (0, 4), (1, 3)]}]
    with pytest.raises(InputError, match="points at jets or candidates that are not there"):
        read_jets(write_pfnano(tmp_path / "b.root", pairs))
    pairs = [NANO[0] | {"pairs": [(0, 0)]}]
    with pytest.raises(InputError, match="1 of 2 jets have no constituents"):
        read_jets(write_pfnano(tmp_path / "c.root", pairs))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_truncated_files_are_refused(tmp_path, share):
    path = write_jetclass(tmp_path / "a.root", random_jets(5), ["QCD"] * 5)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        InputError, match=r"cannot be read as ROOT .* truncated or damaged"
    ) as caught:
        read_jets(path)
    assert "\n" not in str(caught.value)


def test_other_trees_are_met_with_a_description(tmp_path):
    import uproot

    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("analysis", {"mass": float, "pt": float}).extend(
            {"mass": np.ones(3), "pt": np.ones(3)}
        )
    with pytest.raises(InputError, match="has no known layout") as caught:
        read_jets(path)
    for part in ("analysis (3 rows: mass, pt", "(delphes)", "(jetclass)", "(pfnano)"):
        assert part in str(caught.value)
    with pytest.raises(
        InputError,
        match=r"no table with columns of ParticleFlow.*; it is a ROOT file with analysis",
    ):
        read_jets(path, layout="delphes")
