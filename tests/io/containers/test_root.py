from __future__ import annotations

import numpy as np
import pytest
from foreign import (
    random_jets,
    write_jetclass,
)

from darkclr.errors import InputError
from darkclr.io import read_jets


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_truncated_files_are_refused(tmp_path, share):
    path = write_jetclass(tmp_path / "a.root", random_jets(5), ["QCD"] * 5)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        InputError, match=r"cannot be read as ROOT .* truncated or damaged"
    ) as caught:
        read_jets(path)
    assert "\n" not in str(caught.value)


def test_other_trees_are_met_with_a_description(tmp_path):
    import uproot

    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("analysis", {"mass": float, "pt": float}).extend(
            {"mass": np.ones(3), "pt": np.ones(3)}
        )
    with pytest.raises(InputError, match="has no known layout") as caught:
        read_jets(path)
    for part in ("analysis (3 rows: mass, pt", "(delphes)", "(jetclass)", "(pfnano)"):
        assert part in str(caught.value)
    with pytest.raises(
        InputError,
        match=r"no table with columns of ParticleFlow.*; it is a ROOT file with analysis",
    ):
        read_jets(path, layout="delphes")
