from __future__ import annotations

import pyarrow as pa
import pytest

from darkclr.errors import InputError
from darkclr.io import read_jets
from darkclr.io.parquet import column_names, read_metadata, read_table, write_table


def test_web_pages_with_another_name_are_refused(tmp_path):
    path = tmp_path / "download.parquet"
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>" * 20)
    for read in (read_jets, read_table, column_names):
        with pytest.raises(InputError, match=r"of another format|web page") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "no.parquet", tmp_path):
        with pytest.raises(InputError, match="no such file; check the path"):
            read_table(path)


def test_tables_carry_metadata(tmp_path):
    table = pa.table({"pt": [1.0], "n": [2]})
    write_table(table, tmp_path / "deep" / "a.parquet", {"kind": "scores", "seed": 1})
    again = read_table(tmp_path / "deep" / "a.parquet", ["n"])
    assert again.to_pydict() == {"n": [2]}
    assert read_metadata(again) == {"kind": "scores", "seed": 1}
    assert column_names(tmp_path / "deep" / "a.parquet") == ["pt", "n"]
