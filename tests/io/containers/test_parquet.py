from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.io import read_jets, write_jets
from darkclr.io.parquet import read_table
from darkclr.jets import Jets


@pytest.fixture(scope="module")
def jets() -> Jets:
    plain = toy_jets(100, seed=1, label=1)
    n, c = len(plain), plain.constituents
    rng = np.random.default_rng(0)
    return Jets.from_constituents(
        c.offsets,
        c.pt,
        c.eta,
        c.phi,
        label=rng.integers(-1, 2, n),
        weight=rng.random(n),
        event=rng.integers(0, 2**60, n),
        rank=rng.integers(0, 5, n),
        truth={"pthat": rng.random(n), "parton_pdg": rng.integers(-5, 5, n)},
        provenance={"process": "toy", "seed": 3, "settings": ["a = b"], "ä": None},
    )


@pytest.fixture
def file(jets, tmp_path):
    write_jets(jets, tmp_path / "jets.parquet")
    return tmp_path / "jets.parquet"


def test_row_groups_and_slices_make_no_difference(tmp_path, jets, file):
    pq.write_table(pq.read_table(file), tmp_path / "groups.parquet", row_group_size=7)
    again = read_jets(tmp_path / "groups.parquet")
    assert again.constituents.pt.tobytes() == jets.constituents.pt.tobytes()
    np.testing.assert_array_equal(again.n_constituents, jets.n_constituents)


@pytest.mark.parametrize("bytes_kept", [0, 3, 200, -1, -500])
def test_truncated_files_are_refused(file, bytes_kept):
    file.write_bytes(file.read_bytes()[:bytes_kept])
    with pytest.raises(InputError, match=r"cannot be read as Parquet .*truncated or of another"):
        read_table(file)
    with pytest.raises(InputError, match=r"truncated|file is empty|neither Parquet nor"):
        read_jets(file)


def test_damaged_data_is_refused_or_read_the_same(jets, file):
    content = bytearray(file.read_bytes())
    content[100:130] = bytes(30)
    file.write_bytes(content)
    with pytest.raises(InputError):
        read_jets(file)
