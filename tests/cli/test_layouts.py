"""One command from a file of any layout to anomaly scores."""

from __future__ import annotations

import numpy as np
import pytest
from foreign import (
    random_jets,
    write_aspen,
    write_delphes,
    write_jetclass,
    write_jetnet,
    write_lhco,
    write_pfnano,
    write_top_tagging,
)

from darkclr.io.parquet import read_table

TABLE = random_jets(6)
TRACKS = {
    "PT": [[60.0, 50.0], [40.0]],
    "Eta": [[-1.0, 1.0], [0.5]],
    "Phi": [[3.1, -0.1], [1.0]],
    "Mass": [[0.5, 0.9], [0.1]],
}
NANO = {
    "event": 7,
    "jets": [(300, 1, 0, 9), (250, -1, 3, 9)],
    "candidates": [(300, 1, 0, 1), (20, 1, 1, 1), (250, -1, 3, 1)],
    "pairs": [(0, 0), (0, 1), (1, 2)],
}
# What to write, and how many jets come out of it.
FILES = {
    "top_tagging.h5": (lambda path: write_top_tagging(path, TABLE, [0] * 6), 6),
    "lhco.h5": (lambda path: write_lhco(path, [np.array([[90.0, 0.1, 3.0]])] * 3, [0, 1, 0]), 3),
    "aspen.h5": (
        lambda path: write_aspen(
            path, TABLE, np.ones((6, 4)), puppi=[np.ones(len(x)) for x in TABLE], event=range(6)
        ),
        6,
    ),
    "jetnet.h5": (
        lambda path: write_jetnet(
            path, [x[:, [1, 2, 0]] / 100 for x in TABLE], np.full((6, 4), 2.0)
        ),
        6,
    ),
    "jetclass.root": (lambda path: write_jetclass(path, TABLE, ["QCD"] * 6), 6),
    "delphes.root": (lambda path: write_delphes(path, {"ParticleFlowCandidate": TRACKS}), 3),
    "pfnano.root": (lambda path: write_pfnano(path, [NANO] * 2), 4),
}


@pytest.mark.parametrize("name", FILES)
def test_from_a_file_to_a_score(command, model, tmp_path, name):
    write, n = FILES[name]
    write(tmp_path / name)
    code, out, _ = command("score", tmp_path / name, model, tmp_path / "scores.parquet")
    assert code == 0
    assert f"{n} jets with 3 scores" in out
    scores = read_table(tmp_path / "scores.parquet")
    assert len(scores) == n
    assert np.isfinite(scores["discriminant"].to_numpy()).all()


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
