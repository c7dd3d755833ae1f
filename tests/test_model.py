"""A model directory at work: scores of files are those of the encoder and the fits in memory."""

from __future__ import annotations

import numpy as np
import pytest
from folders import names
from toy import toy_jets

from darkclr.anomaly.fitting import fit_scores
from darkclr.anomaly.scoring import load_scores, score_table
from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode
from darkclr.contrastive.files import encode_file
from darkclr.contrastive.model_directory import Fingerprint, begin_model, load_encoder, save_model
from darkclr.errors import InputError
from darkclr.io import write_jets
from darkclr.io.parquet import read_table
from darkclr.io.representations import read_representations
from darkclr.model import score_file
from darkclr.split import Split

SCORES = {"norm": {}, "discriminant": {}, "flow_observables": {"epochs": 1}, "jet_pt": {}}
SPLIT = Split(0.5, 0.2, 0.3)


@pytest.fixture(scope="module")
def jets():
    return toy_jets(240, seed=1, mean=14)


@pytest.fixture(scope="module")
def model(jets, tmp_path_factory):
    """An encoder that nobody trained, scores on it, jets and their representations."""
    pytest.importorskip("zuko")
    pytest.importorskip("fastjet")
    folder = tmp_path_factory.mktemp("model")
    config = EncoderConfig(embedding_dim=8, feedforward_dim=12, output_dim=6, n_heads=2, n_layers=1)
    encoder = Encoder(config).eval()
    record = {"encoder": vars(config), "split": vars(SPLIT)}
    begin_model(folder / "encoder", record, Fingerprint())
    save_model(folder / "encoder", encoder, {"norm": np.ones(1)})
    write_jets(jets, folder / "qcd.parquet")
    encode_file(encoder, jets, folder / "rows.parquet", dropped=Augmentations())
    rows = read_representations(folder / "rows.parquet")
    fit_scores(SCORES, rows, folder / "scores", split=SPLIT, jets=jets)
    return folder


@pytest.mark.parametrize("part", ["test", "all"])
def test_scores_of_a_file_are_those_of_its_jets(model, jets, tmp_path, part):
    output = tmp_path / "scores.parquet"
    scored = score_file(model / "qcd.parquet", model, output, part=part)
    chosen = jets.part(part, SPLIT)  # the split is that of the encoder
    assert scored == (len(chosen), len(SCORES))

    rows = encode(load_encoder(model / "encoder"), chosen)
    expected = score_table({"qcd": rows}, load_scores(model / "scores"), jets={"qcd": chosen})
    found = read_table(output)
    assert found.column_names == expected.column_names
    for name in ("event", *SCORES):
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy())


def test_what_is_missing_is_told_and_nothing_is_left(model, tmp_path):
    output = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match="reads the constituents"):
        score_file(model / "rows.parquet", model, output)
    with pytest.raises(InputError, match="no jets in the part 'validation'"):
        score_file(
            model / "qcd.parquet", model, output, part="validation", split=Split(0.7, 0.0, 0.3)
        )
    with pytest.raises(InputError, match="is part of the input"):
        score_file(model / "qcd.parquet", model, model / "qcd.parquet")
    assert names(tmp_path) == []
