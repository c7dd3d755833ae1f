"""A model knows the jets it was trained on, and marks others."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace

import numpy as np
import pytest
import yaml
from folders import names
from models import TINY, write_model
from toy import toy_jets

from darkclr.anomaly.fitting import fit_scores
from darkclr.contrastive.files import encode_file, train_file
from darkclr.contrastive.model_directory import load_encoder
from darkclr.domain import Domain, TrainingJets
from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.io.parquet import read_table
from darkclr.io.representations import read_representations
from darkclr.jets import Jets
from darkclr.model import score_file
from darkclr.split import Split

SPLIT = Split(0.5, 0.2, 0.3)
DOMAIN = Domain(pt_min=150.0, pt_max=300.0, abs_eta_max=2.0, n_constituents=20, radius=0.8)


def with_provenance(jets: Jets, **provenance) -> Jets:
    return replace(jets, provenance=provenance)


@pytest.fixture(scope="module")
def jets() -> Jets:
    """Jets of 100 to 400 GeV."""
    return toy_jets(400, seed=3, mean=14, pt_range=(100, 400))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of 150 to 300 GeV that nobody trained."""
    folder = write_model(tmp_path_factory.mktemp("model"), {"norm": {}, "jet_pt": {}})
    config = folder / "encoder" / "config.yaml"
    document = yaml.safe_load(config.read_text()) | {"domain": asdict(DOMAIN)}
    config.write_text(yaml.safe_dump(document))
    return folder


def expected(jets: Jets) -> np.ndarray:
    return (jets.pt >= 150) & (jets.pt <= 300) & (np.abs(jets.eta) <= 2)


def test_the_window_is_that_of_the_provenance_or_of_the_jets_themselves(jets):
    selection = {"pt_min": 90.0, "pt_max": 500.0, "abs_eta_max": 3.0, "radius": 0.8}
    said = {"selection": selection, "card": "cms", "level": "detector"}
    learned = TrainingJets().add(with_provenance(jets, **said)).domain(50)
    assert learned == Domain(90.0, 500.0, 3.0, 50, 0.8, "cms", "detector")
    # Rounded outwards; jets beyond the window that a file claims count for more than the claim.
    low, high = float(jets.pt.min()), float(jets.pt.max())
    for provenance in ({}, {"selection": {"pt_min": 200.0, "pt_max": 250.0}}):
        learned = TrainingJets().add(with_provenance(jets, **provenance)).domain(50)
        assert 0.9 * low < learned.pt_min <= low < high <= learned.pt_max < 1.1 * high
        assert np.abs(jets.eta).max() <= learned.abs_eta_max < 1.1 * np.abs(jets.eta).max()
        assert learned.radius is learned.card is learned.level is None


def test_batches_of_several_origins_know_only_what_they_share(jets):
    halves = jets[:200], jets[200:]
    origins = [
        {"selection": {"pt_min": 50.0, "radius": 0.8}, "card": "atlas", "level": "detector"},
        {"selection": {"pt_min": 90.0, "radius": 0.4}, "card": "atlas"},
    ]
    learned = TrainingJets()
    for half, origin in zip(halves, origins, strict=True):
        learned.add(with_provenance(half, **origin))
    together = TrainingJets().add(with_provenance(jets, parts=origins))
    assert learned.domain(50) == together.domain(50)
    assert learned.domain(50).pt_min == 50
    assert (learned.domain(50).radius, learned.domain(50).card) == (None, "atlas")


def test_cuts_at_reading_belong_to_the_domain(jets, tmp_path):
    write_jets(with_provenance(jets, selection={"pt_min": 90.0}), tmp_path / "jets.parquet")
    cut = read_jets(tmp_path / "jets.parquet", options=ReadOptions(pt_min=200, n_constituents=8))
    assert TrainingJets().add(cut).domain(50).pt_min == 200
    assert TrainingJets().add(cut).domain(50).n_constituents == 8
    # Where no cut is recorded, a heap of jets with the largest number shows it.
    assert TrainingJets().add(replace(cut, provenance={})).domain(50).n_constituents == 8
    assert TrainingJets().add(jets).domain(50).n_constituents == 50


def test_a_training_records_its_domain_and_finds_it_again(jets, tmp_path):
    pytest.importorskip("lightning")
    from short_training import SHORT

    source = with_provenance(jets, clustering="anti-kT, R = 0.4")
    trained = train_file(source, tmp_path / "encoder", encoder=TINY, training=SHORT)
    domain = load_encoder(tmp_path / "encoder").domain
    assert domain == trained.domain
    assert domain.radius == 0.4
    assert domain.n_constituents == TINY.n_constituents
    assert 90 <= domain.pt_min <= 110
    assert 380 <= domain.pt_max <= 400


@pytest.mark.parametrize("represented", [False, True], ids=["jets", "representations"])
def test_jets_outside_are_marked_left_out_or_refused(model, jets, tmp_path, caplog, represented):
    source, output = tmp_path / "mine.parquet", tmp_path / "scores.parquet"
    write_jets(jets, source)
    if represented:
        encode_file(model / "encoder", source, tmp_path / "z.parquet")
        source = tmp_path / "z.parquet"
        marks = read_representations(source).in_domain
        np.testing.assert_array_equal(marks, expected(jets))
    caplog.clear()
    score_file(source, model, output)
    inside = read_table(output)["in_domain"].to_numpy()
    np.testing.assert_array_equal(inside, expected(jets))
    message = caplog.messages[-1]
    assert f"{np.sum(~inside)} of 400 jets" in message
    assert f"{np.sum(jets.pt < 150)} of pT below 150 GeV" in message
    assert f"{np.sum(jets.pt > 300)} of pT above 300 GeV" in message
    assert f"{np.sum(np.abs(jets.eta) > 2)} of |eta| above 2" in message

    score_file(source, model, output, outside="drop")
    kept = read_table(output)
    assert kept["event"].to_pylist() == jets.event[expected(jets)].tolist()
    assert kept["in_domain"].to_numpy().all()
    output.unlink()
    before = names(tmp_path)
    with pytest.raises(InputError, match="lie outside of what the model was trained on"):
        score_file(source, model, output, outside="error")
    assert names(tmp_path) == before


def test_each_file_of_a_stream_is_judged_by_its_own_provenance(model, jets, tmp_path, caplog):
    """Although all of them go through the network in one chunk."""
    inside = jets[expected(jets)]
    for name, radius in (("a", 0.4), ("b", 0.8)):
        selection = {"radius": radius}
        write_jets(with_provenance(inside, selection=selection), tmp_path / f"{name}.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    marks = [False] * len(inside) + [True] * len(inside)
    score_file(files, model, tmp_path / "scores.parquet")
    assert read_table(tmp_path / "scores.parquet")["in_domain"].to_pylist() == marks
    assert f"{len(inside)} of radius 0.4, not 0.8" in caplog.messages[-1]
    encode_file(model / "encoder", files, tmp_path / "z.parquet")
    score_file(tmp_path / "z.parquet", model, tmp_path / "scores.parquet", outside="drop")
    assert len(read_table(tmp_path / "scores.parquet")) == len(inside)


@pytest.mark.parametrize("what", ["card", "level"])
def test_jets_of_another_detector_are_outside(model, jets, what):
    domain = replace(DOMAIN, card="delphes_atlas", level="detector")
    theirs = {"card": "delphes_cms", "level": "particle"}[what]
    reasons = domain.outside(with_provenance(jets[expected(jets)], **{what: theirs}), 20)
    assert [reason for reason, mask in reasons.items() if mask.all()] == [
        f"of {what} {theirs}, not {getattr(domain, what)}"
    ]


def test_a_model_without_domain_says_nothing(jets, tmp_path, caplog):
    folder = write_model(tmp_path / "model", {"jet_pt": {}})
    with caplog.at_level(logging.INFO):
        write_jets(jets, tmp_path / "mine.parquet")
        score_file(tmp_path / "mine.parquet", folder, tmp_path / "s.parquet", outside="error")
    assert "in_domain" not in read_table(tmp_path / "s.parquet").column_names
    assert not [m for m in caplog.messages if "outside" in m]
    # Representations are scored without any encoder, as before.
    rows = tmp_path / "z.parquet"
    encode_file(folder / "encoder", tmp_path / "mine.parquet", rows)
    fit_scores({"norm": {}}, read_representations(rows), tmp_path / "alone" / "scores", split=SPLIT)
    score_file(rows, tmp_path / "alone", tmp_path / "s.parquet")


def test_a_broken_domain_is_one_line(model, tmp_path):
    config = model / "encoder" / "config.yaml"
    text = config.read_text()
    try:
        for wrong in ("a window", {"pt_min": "low"}, {"depth": 1}):
            config.write_text(yaml.safe_dump(yaml.safe_load(text) | {"domain": wrong}))
            with pytest.raises(InputError, match="is not a model directory of an encoder"):
                load_encoder(model / "encoder")
    finally:
        config.write_text(text)
