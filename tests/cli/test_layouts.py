"""One command from a file of any layout, in any container, to the same anomaly scores."""

from __future__ import annotations

import numpy as np
import pytest
from foreign import write_columns, write_delphes
from same_jets import COLUMNS, JETS

from darkclr.io.parquet import read_table

pytest.importorskip("fastjet")

TRACKS = {
    "PT": [[60.0, 50.0], [40.0]],
    "Eta": [[-1.0, 1.0], [0.5]],
    "Phi": [[3.1, -0.1], [1.0]],
    "Mass": [[0.5, 0.9], [0.1]],
}


@pytest.mark.parametrize("container", ["a.parquet", "a.h5", "a.root", "a.rntuple.root"])
def test_the_same_jets_have_the_same_scores_in_every_layout(command, model, tmp_path, container):
    layouts = [x for x in COLUMNS if x != "lhco" or not container.endswith("root")]
    scores = {}
    for layout in layouts:
        path = write_columns(tmp_path / layout / container, COLUMNS[layout]())
        output = tmp_path / f"{layout}.parquet"
        code, out, _ = command("score", path, model, output, "--options.pt_min", 0)
        assert code == 0
        assert f"{len(JETS)} jets with 3 scores" in out
        table = read_table(output)
        scores[layout] = np.stack([table[x].to_numpy() for x in ("norm", "discriminant")])
    assert np.isfinite(scores["darkclr"]).all()
    for layout in layouts:
        np.testing.assert_allclose(scores[layout], scores["darkclr"], rtol=1e-4, err_msg=layout)


def test_cuts_are_options_of_the_command(command, refused, model, tmp_path):
    path = write_delphes(tmp_path / "a.root", {"ParticleFlowCandidate": TRACKS})
    output = tmp_path / "scores.parquet"
    code, out, _ = command(
        "score", path, model, output, "--options.pt_min", 45, "--options.label", 1
    )
    assert code == 0
    assert "2 jets" in out
    assert read_table(output)["label"].to_pylist() == [1, 1]
    line = refused("score", path, model, output, "--layout", "jetnet")
    assert "no table with columns particle_features, jet_features; it is a ROOT file" in line
    line = refused("score", path, model, output, "--options.pt_min", 1000)
    assert "there are no jets; check the cuts and the units" in line
