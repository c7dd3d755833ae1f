from __future__ import annotations

import numpy as np
import pytest
from foreign import (
    write_delphes,
)

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


SIGNED = ReadOptions(negative_weights="keep")


def test_jets_have_the_weight_of_their_event(tmp_path):
    """The nominal weight of Delphes is Event.Weight, else the first of Weight.Weight."""
    several = {"Weight": {"Weight": [[3.0, 99.0], [-4.0, 99.0]]}}
    nominal = {"Event": {"Weight": [[0.5], [-1.5]]}}
    for extra, expected in (
        ({}, [1, 1, 1]),
        (several, [3, 3, -4]),
        (several | nominal, [0.5, 0.5, -1.5]),
    ):
        path = write_delphes(tmp_path / "a.root", EFLOW | extra)
        assert read_jets(path, options=SIGNED).weight.tolist() == expected


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    for values, message in (
        ([[1.0], [np.nan]], "1 events have a NaN or infinite weight 'Event.Weight'"),
        ([[], [1.0]], "1 events have no weight in 'Event.Weight'"),
    ):
        path = write_delphes(tmp_path / "a.root", EFLOW | {"Event": {"Weight": values}})
        with pytest.raises(InputError, match=message):
            read_jets(path)


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


def with_track(pt, eta, phi=0.0, n=1) -> dict:
    """The energy flow with tracks more in its second event."""
    more = {"PT": pt, "Eta": eta, "Phi": phi, "Mass": 0.0}
    tracks = {name: [rows[0], rows[1] + n * [more[name]]] for name, rows in TRACKS.items()}
    return EFLOW | {"EFlowTrack": tracks}


@pytest.mark.parametrize("eta", [999.9, -999.9, np.nan, 1e10])
def test_objects_without_momentum_are_left_out_whatever_their_direction(tmp_path, caplog, eta):
    path = write_delphes(tmp_path / "a.root", with_track(0.0, eta, n=20))
    plain = read_jets(write_delphes(tmp_path / "b.root", EFLOW))
    jets = read_jets(path)
    assert jets.pt.tolist() == plain.pt.tolist()
    assert jets.constituents.pt.tolist() == plain.constituents.pt.tolist()
    assert [record.message for record in caplog.records] == [
        f"{path}: 20 particles without pT left out"
    ]


def test_a_few_objects_along_the_beam_are_left_out_and_a_wrong_column_is_refused(tmp_path, caplog):
    """Delphes writes eta = 999.9 of towers whose position it does not know, whatever their pT."""
    rng = np.random.default_rng(0)
    eta = rng.uniform(-2, 2, 30)
    eta[:2] = 999.9, -999.9
    fields = {"PT": [[9.0] * 30], "Eta": [eta.tolist()], "Phi": [rng.uniform(-3, 3, 30).tolist()]}
    path = write_delphes(tmp_path / "a.root", {"ParticleFlowCandidate": fields})
    jets = read_jets(path, options=ReadOptions(pt_min=0))
    assert jets.n_constituents.sum() == 28
    assert "2 particles along the beam left out" in caplog.text
    fields["Eta"] = [[999.9] * 20 + [0.0] * 10]
    path = write_delphes(tmp_path / "b.root", {"ParticleFlowCandidate": fields})
    with pytest.raises(InputError, match=r"particle has .eta. = 999.9, .* not the pseudorapidity"):
        read_jets(path)


def test_of_several_weights_one_may_be_named(tmp_path, caplog):
    """Delphes takes the first weight of the generator, which need not be the nominal one."""
    weights = {
        "Weight": {"Weight": [[3.0, 99.0], [4.0, 98.0]]},
        "Event": {"Weight": [[3.0], [4.0]]},
    }
    path = write_delphes(tmp_path / "a.root", EFLOW | weights)
    assert read_jets(path).weight.tolist() == [3, 3, 4]
    assert "events have 2 weights, of which the first is taken" in caplog.text
    caplog.clear()
    options = ReadOptions(weight="Weight.Weight[1]")
    assert read_jets(path, options=options).weight.tolist() == [99, 99, 98]
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["WeightLHEF", "Weight"])
def test_weights_of_les_houches_files_go_by_their_numbers(tmp_path, name):
    """Class LHEFWeight of DelphesClasses.h has the member ID."""
    weights = {
        name: {"ID": [[1001, 1002], [1002, 1001]], "Weight": [[3.0, 99.0], [98.0, 4.0]]},
        "Event": {"Weight": [[7.0], [8.0]]},
    }
    path = write_delphes(tmp_path / "a.root", EFLOW | weights)
    assert read_jets(path).weight.tolist() == [7, 7, 8]
    assert read_jets(path, options=ReadOptions(weight="1002")).weight.tolist() == [99, 99, 98]
    with pytest.raises(InputError, match=r"2 events do not have one weight of number 5 .*1001"):
        read_jets(path, options=ReadOptions(weight="5"))


def test_official_files_have_more_branches(tmp_path):
    """Whatever is one of an event is a list of one element."""
    n = len(EFLOW["EFlowTrack"]["PT"])
    one = {"Number": [[i] for i in range(n)], "Weight": [[2.0]] * n, "CrossSection": [[0.1]] * n}
    more = {
        "Event": one,
        "Weight": {"Weight": [[2.0, 3.0]] * n},
        "Jet": {
            "PT": [[500.0, 20.0]] + [[30.0]] * (n - 1),
            "Constituents": [[1, 2]] + [[1]] * (n - 1),
        },
        "GenJet": {"PT": [[480.0]] * n},
        "Tower": {"ET": [[30.0]] * n, "Eta": [[999.9]] * n},
        "MissingET": {"MET": [[1.0]] * n},
    }
    plain = read_jets(write_delphes(tmp_path / "b.root", EFLOW))
    jets = read_jets(write_delphes(tmp_path / "c.root", EFLOW | more))
    assert jets.weight.tolist() == [2, 2, 2]
    assert jets.pt.tobytes() == plain.pt.tobytes()


@pytest.mark.parametrize("pt", ["ET", "PT"])
def test_towers_may_be_one_collection_and_photons_have_pt(tmp_path, pt):
    """Cards before Delphes 3.2 write EFlowTower; of class Photon, EFlowPhoton has PT."""
    towers = {
        key: [a + b for a, b in zip(PHOTONS[key], HADRONS[key], strict=True)] for key in HADRONS
    }
    if pt == "ET":
        collections = {"EFlowTrack": TRACKS, "EFlowTower": towers}
    else:
        photons = {pt: PHOTONS["ET"], "Eta": PHOTONS["Eta"], "Phi": PHOTONS["Phi"]}
        collections = EFLOW | {"EFlowPhoton": photons}
    jets = read_jets(write_delphes(tmp_path / "a.root", collections))
    plain = read_jets(write_delphes(tmp_path / "b.root", EFLOW))
    np.testing.assert_allclose(jets.pt, plain.pt, rtol=1e-6)
    assert jets.n_constituents.tolist() == plain.n_constituents.tolist()


def test_files_without_energy_flow_are_told_how_to_get_it(tmp_path):
    path = write_delphes(tmp_path / "a.root", {"Jet": TRACKS, "EFlowTrack": TRACKS})
    with pytest.raises(InputError, match=r"missing columns .*; the card .*`add Branch HCal/eflow"):
        read_jets(path)


def test_weights_of_delphes_have_no_names(tmp_path):
    path = write_delphes(tmp_path / "a.root", EFLOW | {"Weight": {"Weight": [[1.0], [2.0]]}})
    with pytest.raises(InputError, match="does not keep the names of weights; name one of the"):
        read_jets(path, options=ReadOptions(weight="nominal"))
