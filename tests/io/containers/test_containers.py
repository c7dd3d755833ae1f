from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle

import numpy as np
import pytest

from darkclr.errors import InputError
from darkclr.io import read_jets

PAGE = b"\n <!DOCTYPE html>\n<html><head><title>404</title></head></html>"


def archive() -> bytes:
    """As the quark and gluon jets of EnergyFlow are stored."""
    np.savez(written := io.BytesIO(), X=np.zeros((2, 3, 4)), y=np.zeros(2))
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (PAGE, r"is a web page \(HTML\), not data; download the file itself"),
        (gzip.compress(b"jets", mtime=0), "is a gzip archive; unpack it"),
        (b'<LesHouchesEvents version="3.0">', r"is a file of events .*darkclr generate --events"),
        (b"\nHepMC::Version 3.02.05\n", r"is a file of events .*darkclr generate --events"),
        (bz2.compress(b"jets"), "is a bzip2 archive; unpack it"),
        (lzma.compress(b"jets"), "is an xz archive; unpack it"),
        (b"\x28\xb5\x2f\xfd\x04", "is a Zstandard archive; unpack it"),
        (b"ARROW1\0\0\xff\xff\xff\xff", "is an Arrow or Feather file; write its table as Parquet"),
        (archive(), r"it is a NumPy file with \(2 rows: X \(3, 4\), y\)"),
        (pickle.dumps([1.0]), "probably a Python pickle, which is not opened"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (
            b"pt,eta,phi\n1,2,3\n",
            "is text, neither Parquet nor HDF5 nor ROOT nor NumPy; convert it to Parquet",
        ),
        (bytes(range(256)), "is binary data of an unknown kind"),
    ],
)
@pytest.mark.parametrize("name", ["jets.h5", "jets.root", "jets.parquet"])
def test_other_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for layout in (None, "top_tagging"):
        with pytest.raises(InputError, match=message) as caught:
            read_jets(path, layout=layout)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
