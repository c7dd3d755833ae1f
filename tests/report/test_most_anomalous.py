"""Event displays show the jets that they say, beside those that are next to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from folders import names
from models import write_model
from toy import toy_jets

from darkclr.anomaly.scoring import calibrate, load_scores, score_table
from darkclr.augmentations import Augmentations
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.files import encode_file
from darkclr.contrastive.model_directory import load_encoder
from darkclr.errors import ConfigError, InputError
from darkclr.io import write_jets
from darkclr.io.parquet import read_metadata, write_table
from darkclr.jets import KINDS
from darkclr.report.displays import displayed_jets
from darkclr.report.figures.event_display import event_display
from darkclr.report.most_anomalous import Pool, most_anomalous, order_of, show
from darkclr.report.run_files import RunFiles

SHOW = {"n_jets": 3, "n_neighbours": 2, "copies": Augmentations(), "outside": "keep"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a run leaves: encoder, scores with working points, samples, representations, scores."""
    folder = write_model(tmp_path_factory.mktemp("run"), {"norm": {}, "jet_pt": {}})
    encoder = load_encoder(folder / "encoder")
    samples = {
        "qcd": toy_jets(300, seed=1, pt_range=(150, 300)),
        "aachen": toy_jets(60, seed=2, mean=12, label=1, pt_range=(310, 400)),
    }
    rows, photon, charged_hadron = {}, KINDS.index("photon"), KINDS.index("charged hadron")
    for name, number in (("qcd", photon), ("aachen", charged_hadron)):
        kind = np.full(len(samples[name].constituents.pt), number, dtype=np.int8)
        constituents = replace(samples[name].constituents, kind=kind)
        samples[name] = replace(samples[name], constituents=constituents)
    for name, jets in samples.items():
        write_jets(jets, folder / "samples" / f"{name}.parquet")
        target = folder / "representations" / f"{name}.parquet"
        encode_file(encoder, jets, target, dropped=Augmentations() if name == "qcd" else None)
        rows[name] = encode(encoder, jets)
    cuts = {"background_efficiencies": (0.1,), "minimum_jets": 2, "background": {}}
    own, fitted = {"qcd": rows["qcd"]}, load_scores(folder / "scores")
    calibrate(score_table(own, fitted), fitted, folder / "scores", **cuts)
    table = score_table(rows, fitted)
    write_table(table, folder / "scores.parquet", read_metadata(table))
    return folder, samples, rows


def test_jets_are_put_in_order_by_a_score_or_by_their_smallest_p_value():
    table = pa.table(
        {
            "a": [0.1, 3.0, 2.0, -1.0],
            "p_value_a": [0.3, 0.01, 0.02, 0.9],
            "p_value_b": [0.5, 0.9, 0.3, 0.01],
        }
    )
    titles = {"a": "A", "b": "B", "pt": "pT"}
    assert most_anomalous(table, order_of("a", (), titles, ["pt"]), 3).tolist() == [1, 2, 0]
    order = order_of(None, table.column_names, titles, ["pt"])
    # Rows 1 and 3 share the smallest; the product of all is smaller in the first of them, 0.009.
    assert most_anomalous(table, order, 9).tolist() == [1, 3, 2, 0]
    assert order_of(None, (), titles, ["a"]) == ["b"]
    with pytest.raises(ConfigError, match="no fitted score 'c'; choose of a, b, pt"):
        order_of("c", (), titles, [])


def test_neighbours_are_the_nearest_jets_and_not_the_jet_itself(run):
    _, samples, rows = run
    jets, z = samples["qcd"], rows["qcd"].z
    parts = ((z[i : i + 70], jets[i : i + 70]) for i in range(0, 300, 70))
    found = Pool.of(parts).nearest(z[17], jets[[17]], 4)
    distance = np.linalg.norm(z.astype(float) - z[17], axis=1)
    distance[17] = np.inf
    nearest = np.argsort(distance)[:4]
    assert [other.pt[0] for other, _ in found] == jets.pt[nearest].tolist()
    assert [d for _, d in found] == pytest.approx(distance[nearest].tolist())


def test_displays_of_a_run_show_its_most_anomalous_jets(run):
    folder, samples, rows = run
    by, shown = displayed_jets(RunFiles(folder), Augmentations())
    assert by == "s_CLR = ‖z‖"
    norm = np.concatenate([np.linalg.norm(part.z, axis=1) for part in rows.values()])
    pt = np.concatenate([jets.pt for jets in samples.values()])
    for jet, row in zip(shown, np.argsort(-norm, kind="stable")[:3], strict=True):
        assert jet.facts["pT"] == f"{pt[row]:.1f} GeV"
        assert ("qcd" if row < 300 else "aachen") in jet.title
        n_above = np.sum(norm[:300] >= norm[row] * (1 - 1e-6))  # of the background
        assert float(jet.scores[by][1]) == pytest.approx((1 + n_above) / 301, rel=0.1)
    for jet in shown:
        number = int(jet.facts["constituents"])
        assert len(jet.constituents.pt) == number
        physical, anomalous = (panel.constituents for panel in jet.copies)
        assert len(physical.pt) == min(number, 20)  # of the encoder
        assert len(anomalous.pt) <= len(physical.pt)
        assert len(jet.neighbours) == 3
        own = KINDS.index("photon" if "qcd" in jet.title else "charged hadron")
        for part in (jet.constituents, physical, anomalous):
            assert set(part.kind) == {own}
        for panel in jet.neighbours:
            assert set(panel.constituents.kind) == {KINDS.index("photon")}
        assert set(jet.scores) == {"s_CLR = ‖z‖", "jet pT"}
    (value, p_value) = shown[0].scores["jet pT"]
    others = samples["qcd"].pt
    expected = (1 + np.sum(others >= float(value) * (1 - 1e-4))) / 301
    assert float(p_value) == pytest.approx(expected, rel=0.1)

    axes = event_display(shown[0]).axes
    texts = {text.get_text() for one in axes for text in one.texts}
    assert {"jet pT", "score", "p-value", shown[0].facts["mass"]} <= texts
    (points,) = (c for c in axes[0].collections if len(c.get_offsets()))
    area = points.get_sizes() / shown[0].constituents.pt
    assert area[0] == pytest.approx(area[1])  # the hardest are larger than the smallest dot


def test_the_command_writes_a_picture_each_and_one_of_all(run, tmp_path):
    folder, *_ = run
    pictures = show(folder / "samples/aachen.parquet", folder, tmp_path, by="jet_pt", **SHOW)
    expected = ["jet_01.png", "jet_02.png", "jet_03.png", "jets.pdf"]
    assert [path.name for path in pictures] == names(tmp_path) == expected
    assert pictures[0].read_bytes().startswith(b"\x89PNG")
    assert pictures[-1].read_bytes().startswith(b"%PDF")
    with pytest.raises(InputError, match="event displays need constituents"):
        show(folder / "representations/qcd.parquet", folder, tmp_path, by=None, **SHOW)
    with pytest.raises(InputError, match=r"jets\.pdf: is a file; name a folder"):
        show(folder / "samples/aachen.parquet", folder, tmp_path / "jets.pdf", by=None, **SHOW)
