"""What holds for the jets of every file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foreign import write_lhco, write_top_tagging
from toy import toy_jets

from darkclr.errors import InputError
from darkclr.io import ReadOptions, read_jets, write_jets
from darkclr.io.convert import convert
from darkclr.io.summary import summarise
from darkclr.jets import Jets


@pytest.fixture
def signed(tmp_path):
    """A sample at next-to-leading order: a fifth of its weights is negative."""
    jets = toy_jets(50, seed=1)
    weight = np.where(np.arange(50) % 5 == 0, -1, 1).astype(np.float32)
    write_jets(replace(jets, weight=weight), tmp_path / "nlo.parquet")
    return tmp_path / "nlo.parquet"


def test_negative_weights_are_a_choice(signed, tmp_path):
    message = "10 of 50 weights are negative; say what .* option negative_weights: keep or absolute"
    with pytest.raises(InputError, match=message):
        read_jets(signed)
    with pytest.raises(InputError, match=message):
        convert(signed, tmp_path / "a.parquet")
    keep, absolute = (ReadOptions(negative_weights=x) for x in ("keep", "absolute"))
    assert read_jets(signed, options=keep).weight.sum() == 30
    assert read_jets(signed, options=absolute).weight.tolist() == [1] * 50


def test_to_look_at_negative_weights_is_no_use_of_them(signed):
    assert summarise(signed).quantities["weight"].minimum == -1


def hot(jets: Jets) -> Jets:
    c = replace(jets.constituents, pt=jets.constituents.pt * 400)
    return replace(jets, constituents=c, pt=jets.pt * 400, mass=jets.mass * 400)


def test_other_colliders_have_other_limits(tmp_path):
    """The limit finds files in MeV; it is not a law of nature."""
    table = [np.array([[9000.0, 0.1, 0.2], [20.0, 0.2, 0.1]])]
    path = write_top_tagging(tmp_path / "a.h5", table, [0])
    with pytest.raises(InputError, match=r"in MeV: divide by 1000, or give the beam_energy"):
        read_jets(path)
    for energy in (50_000, None):
        jets = read_jets(path, options=ReadOptions(beam_energy=energy))
        assert jets.constituents.pt[0] == pytest.approx(9000)
    events = write_lhco(tmp_path / "b.h5", table, None)
    with pytest.raises(InputError, match="above the beam energy of 7000"):
        read_jets(events)
    assert len(read_jets(events, options=ReadOptions(beam_energy=5e4))) == 1
    with pytest.raises(InputError, match="above the beam energy of 100"):
        read_jets(path, options=ReadOptions(beam_energy=100))


@pytest.mark.parametrize("name", ["a.parquet", "a.h5"])
def test_files_that_darkclr_wrote_know_their_momenta(tmp_path, name):
    jets = hot(toy_jets(20, seed=1))
    assert jets.constituents.pt.max() > 7000
    write_jets(jets, tmp_path / "hot.parquet")
    convert(tmp_path / "hot.parquet", tmp_path / name)
    np.testing.assert_allclose(read_jets(tmp_path / name).pt, jets.pt)
