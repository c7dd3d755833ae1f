"""One command from a file of any layout, in any container, to the same anomaly scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foreign import write_columns, write_delphes
from same_jets import COLUMNS, JETS

from darkclr.io.containers import CONTAINERS
from darkclr.io.layouts import LAYOUTS
from darkclr.io.parquet import read_table

pytest.importorskip("fastjet")

TRACKS = {
    "PT": [[60.0, 50.0], [40.0]],
    "Eta": [[-1.0, 1.0], [0.5]],
    "Phi": [[3.1, -0.1], [1.0]],
    "Mass": [[0.5, 0.9], [0.1]],
}


FILES = ("a.parquet", "a.h5", "a.root", "a.rntuple.root", "a.npz")


def test_every_layout_and_every_container_is_tried():
    """A new one without columns or a file here would not be compared with the others."""
    assert set(COLUMNS) == set(LAYOUTS)
    assert len(CONTAINERS) == len({Path(file).suffix for file in FILES})
    # NumPy files are no suffix of jets: in a folder they may be anything.
    searched = {suffix for container in CONTAINERS.values() for suffix in container.suffixes[:1]}
    assert searched == {Path(file).suffix for file in FILES} - {".npz"}


@pytest.mark.parametrize("container", FILES)
def test_the_same_jets_have_the_same_scores_in_every_layout(command, model, tmp_path, container):
    # uproot takes a minute for the 2101 branches of the LHC Olympics.
    layouts = [x for x in COLUMNS if x != "lhco" or not container.endswith("root")]
    if container.endswith("npz"):  # which has no lists of varying length
        layouts = [
            x for x in layouts if all(isinstance(v, np.ndarray) for v in COLUMNS[x]().values())
        ]
        assert {"jetnet", "aspen_open_jets", "top_tagging", "lhco"} <= {*layouts}
    files = {layout: tmp_path / layout / container for layout in layouts}
    scores = {}
    for layout, file in {"expected": tmp_path / "darkclr" / "b.parquet", **files}.items():
        path = write_columns(file, COLUMNS["darkclr" if layout == "expected" else layout]())
        output = tmp_path / f"{layout}.parquet"
        code, out, _ = command("score", path, model, output, "--options.pt_min", 0)
        assert code == 0
        assert f"{len(JETS)} jets with 3 scores" in out
        table = read_table(output)
        scores[layout] = np.stack([table[x].to_numpy() for x in ("norm", "discriminant")])
    assert np.isfinite(scores["expected"]).all()
    for layout in layouts:
        np.testing.assert_allclose(scores[layout], scores["expected"], rtol=1e-4, err_msg=layout)


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
