from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot
from foreign import (
    random_jets,
    write_jetclass,
)
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.inspection.jets import summarise
from darkclr.io import ReadOptions, iterate_jets, read_jets, write_jets
from darkclr.io.convert import convert


def test_native_files_come_back_exactly(parquet):
    jets = toy_jets(20, seed=1)
    again = read_jets(parquet)
    assert again.constituents.pt.tobytes() == jets.constituents.pt.tobytes()
    assert again.event.tolist() == jets.event.tolist()
    assert again.provenance == jets.provenance
    parts = list(iterate_jets(parquet, batch_size=7))
    assert [len(part) for part in parts] == [7, 7, 6]
    assert np.concatenate([p.pt for p in parts]).tobytes() == jets.pt.tobytes()


def test_events_of_several_files_stay_apart(tmp_path, hdf5):
    """Rows are event numbers in some layouts: a second file goes on where the first ended."""
    other = write_jetclass(tmp_path / "other.root", random_jets(4, seed=2), ["QCD"] * 4)
    jets = read_jets([hdf5, other, hdf5])
    assert jets.event.tolist() == list(range(14))
    # A native file has numbers of its own, which stay.
    write_jets(toy_jets(6, jets_per_event=2), tmp_path / "own.parquet")
    assert read_jets([tmp_path / "own.parquet"] * 2).event.tolist() == [0, 0, 1, 1, 2, 2] * 2


def test_every_batch_is_compared_with_its_constituents(tmp_path, caplog):
    """A mistake that begins in the middle of a file is reported, once."""
    jets = toy_jets(60, seed=1)
    scale = np.where(np.arange(60) < 40, 1, 1e-3).astype(np.float32)
    write_jets(replace(jets, pt=jets.pt * scale), tmp_path / "a.parquet")
    for _ in iterate_jets(tmp_path / "a.parquet", batch_size=10):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "100 % of 10 jets do not fit the sum of their constituents" in caplog.text
    assert summarise(tmp_path / "a.parquet").check.problem is not None


def test_cuts(parquet, caplog):
    everything = read_jets(parquet)
    low, high = np.quantile(everything.pt, [0.2, 0.8])
    options = ReadOptions(pt_min=float(low), pt_max=float(high), abs_eta_max=1.5)
    with caplog.at_level(logging.INFO, logger="darkclr"):
        jets = read_jets(parquet, options=options)
    kept = (everything.pt >= low) & (everything.pt < high) & (np.abs(everything.eta) < 1.5)
    assert jets.pt.tolist() == everything.pt[kept].tolist()
    assert f"{(~kept).sum()} of 20 jets removed by the cuts" in caplog.text

    jets = read_jets(parquet, options=ReadOptions(n_constituents=3))
    assert jets.n_constituents.max() == 3
    assert jets.pt.tolist() == everything.pt.tolist()
    assert jets.constituents.pt[0] == everything.constituents.pt[0]

    cut = float(np.sort([c.pt[0] for c in (everything[i].constituents for i in range(20))])[5])
    with caplog.at_level(logging.INFO, logger="darkclr"):
        jets = read_jets(parquet, options=ReadOptions(constituent_pt_min=cut))
    assert len(jets) == 15
    assert jets.constituents.pt.min() >= cut
    assert "5 of 20 jets removed by the cuts" in caplog.text
    with pytest.raises(InputError, match="none of 20 jets passes the cuts"):
        read_jets(parquet, options=ReadOptions(constituent_pt_min=5000))


def test_the_file_knows_its_labels_better(parquet, hdf5, tmp_path):
    assert read_jets(hdf5, options=ReadOptions(label=0)).label.tolist() == [0, 1, 0, 1, 1]
    write_jets(toy_jets(4, label=-1), tmp_path / "unknown.parquet")
    unknown = tmp_path / "unknown.parquet"
    assert read_jets(unknown).label.tolist() == [-1] * 4
    assert read_jets(unknown, options=ReadOptions(label=1)).label.tolist() == [1] * 4


ORDER = """
import sys
import {first}
from darkclr.io import read_jets
print(len(read_jets(sys.argv[1])))
"""


@pytest.mark.parametrize("first", ["json", "awkward", "uproot", "h5py"])
def test_the_order_of_files_and_imports_makes_no_difference(tmp_path, first):
    """Awkward registers a type with Arrow when it is imported."""
    jets = random_jets(4)
    for name in ("a.root", "b.parquet", "c.parquet", "d.root"):
        if name.endswith("root"):
            write_jetclass(tmp_path / name, jets, ["QCD"] * 4)
        else:
            columns = {
                f"constituent_{x}": ak.Array([jet[:, k] for jet in jets])
                for k, x in enumerate(("pt", "eta", "phi"))
            }
            rows = ak.zip(columns, depth_limit=1)
            ak.to_parquet(rows, tmp_path / name, extensionarray=name[0] == "b")
    done = subprocess.run(
        [sys.executable, "-c", ORDER.format(first=first), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("16\n", "")


def empty_parquet(path):
    write_jets(toy_jets(3), path)
    pq.write_table(pq.read_table(path)[:0], path)


def empty_table(path):
    pd.DataFrame({f"{x}_0": np.zeros(0) for x in ("E", "PX", "PY", "PZ")}).to_hdf(
        path, key="table", format="table"
    )


def empty_fixed(path):
    pd.DataFrame({f"{x}_0": np.zeros(0) for x in ("E", "PX", "PY", "PZ")}).to_hdf(path, key="df")


def empty_arrays(path):
    with h5py.File(path, "w") as file:
        file["particle_features"] = np.zeros((0, 30, 4))
        file["jet_features"] = np.zeros((0, 4))


def empty_delphes(path):
    fields = {"PT": [], "Eta": [], "Phi": []}
    columns = {f"ParticleFlowCandidate.{name}": "var * float32" for name in fields}
    with uproot.recreate(path) as file:
        file.mktree("Delphes", columns)


EMPTY = {
    "b.parquet": empty_parquet,
    "b.h5": empty_table,
    "c.h5": empty_fixed,
    "d.hdf5": empty_arrays,
    "b.root": empty_delphes,
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_file_among_others_is_left_out(tmp_path, caplog, name):
    EMPTY[name](tmp_path / name)
    with pytest.raises(InputError, match="there are no jets; give files with jets"):
        read_jets(tmp_path)
    write_jets(toy_jets(20, seed=1), tmp_path / "a.parquet")
    write_jets(toy_jets(10, seed=2), tmp_path / "z.parquet")
    caplog.clear()
    assert len(read_jets(tmp_path)) == 30
    what = "holds no tables" if name == "b.h5" else "has no rows"  # pandas writes none
    assert [record.message for record in caplog.records] == [
        f"{tmp_path / name}: {what} and is left out"
    ]
    assert summarise(tmp_path).jets == 30
    convert(tmp_path, tmp_path / "out" / "all.parquet")
    assert len(read_jets(tmp_path / "out" / "all.parquet")) == 30


def test_jets_in_tev_are_told(tmp_path, caplog):
    jets = toy_jets(40)
    write_jets(jets, tmp_path / "gev.parquet")
    assert len(read_jets(tmp_path / "gev.parquet")) == 40
    assert not caplog.text
    c = jets.constituents
    columns = {"constituent_pt": c.pt / 1000, "constituent_eta": c.eta, "constituent_phi": c.phi}
    lists = {name: ak.unflatten(x, np.diff(c.offsets)) for name, x in columns.items()}
    ak.to_parquet(ak.zip(lists, depth_limit=1), tmp_path / "tev.parquet")
    read_jets(tmp_path / "tev.parquet")
    told = f"the hardest of 40 jets has pT = {jets.pt.max() / 1000:.3g} GeV: its numbers may be TeV"
    assert told in caplog.text
