"""A layout in a file outside the package: the example of docs/extending.md, as it is written."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from darkclr.cli.main import main
from darkclr.errors import ConfigError, InputError
from darkclr.io import read_jets
from darkclr.io.reading import recognise

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"
COLUMNS = {
    "tower_pt": [[90_000.0, 60_000.0], [150_000.0]],
    "tower_eta": [[0.1, -0.1], [1.0]],
    "tower_phi": [[0.0, 0.3], [-3.0]],
    "is_signal": [True, False],
    "mc_weight": [2.0, 0.5],
}


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """The folder of a user, with the file of the page."""
    (text,) = re.findall(r"```python\n(# my_layouts.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert text.count("\n") <= 30
    (tmp_path / "my_layouts.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("my_layouts", None)


def write_parquet(path: Path) -> Path:
    pq.write_table(pa.table(COLUMNS), path)
    return path


def write_root(path: Path) -> Path:
    arrays = {name: ak.Array(values) for name, values in COLUMNS.items()}
    types = {k: a.layout.dtype if a.ndim == 1 else "var * float64" for k, a in arrays.items()}
    with uproot.recreate(path) as file:
        file.mktree("mine", types).extend(arrays)
    return path


def write_hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in COLUMNS.items():
            if isinstance(values[0], list):
                column = file.create_dataset(name, 2, h5py.vlen_dtype(np.float32))
                for i, row in enumerate(values):
                    column[i] = row
            else:
                file[name] = values
    return path


def install(folder: Path) -> None:
    info = folder / "my_layouts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-layouts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[darkclr.layouts]\nmine = my_layouts:MyLayout\n")


WRITERS = {"a.parquet": write_parquet, "a.root": write_root, "a.h5": write_hdf5}


@pytest.mark.parametrize("name", WRITERS)
def test_the_layout_of_the_page_reads_any_container(user, name):
    jets = read_jets(WRITERS[name](user / name), layout="my_layouts.MyLayout")
    assert jets.constituents.pt.tolist() == [90, 60, 150]
    np.testing.assert_allclose(jets.constituents.eta, [0.1, -0.1, 1])
    np.testing.assert_allclose(jets.constituents.phi, [0, 0.3, -3])
    assert jets.label.tolist() == [1, 0]
    assert jets.weight.tolist() == [2, 0.5]
    assert jets.event.tolist() == [0, 1]
    assert jets.provenance == {"file": name, "layout": "mine"}


def test_the_command_of_the_page_works(user, capsys):
    (user / "mine").mkdir()
    write_root(user / "mine" / "a.root")
    (command,) = re.findall(r"darkclr (convert .*my_layouts.*)\n", PAGE.read_text())
    assert main(command.replace("'", "").split()) == 0
    assert "2 jets with 3 constituents in mine.parquet" in capsys.readouterr().out
    assert read_jets("mine.parquet").constituents.pt.tolist() == [90, 60, 150]


def test_files_of_an_installed_layout_are_recognised(user):
    path = write_parquet(user / "a.parquet")
    with pytest.raises(InputError, match="has no known layout"):
        read_jets(path)
    install(user)
    found = recognise(path)
    assert found.layout.title == "my experiment"
    assert found.why == "it has the columns tower_pt, tower_eta, tower_phi"
    assert len(read_jets(path, layout="mine")) == 2


def test_nothing_is_imported_for_files_that_darkclr_knows(user):
    columns = {name.replace("tower", "constituent"): x for name, x in COLUMNS.items()}
    pq.write_table(pa.table(columns | {"constituent_pt": [[90.0, 60.0], [150.0]]}), "b.parquet")
    install(user)
    assert recognise(Path("b.parquet")).layout.name == "darkclr"
    assert "my_layouts" not in sys.modules


@pytest.mark.parametrize(
    ("change", "layout", "message"),
    [
        (("", ""), "my_layouts.YourLayout", "layout: my_layouts.YourLayout cannot be imported"),
        (("", ""), "my_layouts.RawJets", "my_layouts.RawJets is no layout; extend darkclr.io"),
        (("", ""), "mine", "unknown layout 'mine'; choose of darkclr, .*, or an import path"),
        (("pt / 1000", "pt / no"), "my_layouts.MyLayout", "MyLayout: the layout failed with Name"),
    ],
)
def test_what_is_wrong_with_a_layout_is_said(user, change, layout, message):
    file = user / "my_layouts.py"
    file.write_text(file.read_text().replace(*change))
    path = write_parquet(user / "a.parquet")
    with pytest.raises(ConfigError, match=message):
        read_jets(path, layout=layout)


def test_columns_that_are_not_named_are_not_read(user):
    file = user / "my_layouts.py"
    file.write_text(
        file.read_text()
        .replace('("is_signal", "mc_weight")', "()")
        .replace(
            'rows.labels("is_signal") if "is_signal" in rows else None', 'rows.labels("is_signal")'
        )
    )
    with pytest.raises(ConfigError, match="'is_signal' is read, but not asked for; name it among"):
        read_jets(write_parquet(user / "a.parquet"), layout="my_layouts.MyLayout")


def test_missing_columns_are_named(user):
    columns = {name: values for name, values in COLUMNS.items() if name != "tower_phi"}
    pq.write_table(pa.table(columns), "a.parquet")
    with pytest.raises(InputError, match=r"missing columns \['tower_phi'\]; it has \(2 rows"):
        read_jets("a.parquet", layout="my_layouts.MyLayout")
