from __future__ import annotations

import errno
from dataclasses import replace

import numpy as np
import pytest
from folders import names
from toy import toy_jets

from darkclr.contrastive.encoding import prepare
from darkclr.contrastive.model_directory import Fingerprint
from darkclr.contrastive.training import prepared as module
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.errors import InputError
from darkclr.jets import Constituents
from darkclr.reweighting import flat_weights

ARRAYS = ("offsets", "pt", "eta", "phi")


@pytest.fixture(scope="module")
def jets():
    return toy_jets(90, seed=4, mean=45)


def batches_of(jets, size):
    return (jets[start : start + size] for start in range(0, len(jets), size))


def assert_same(a: Constituents, b: Constituents):
    for name in ARRAYS:
        old, new = getattr(a, name), getattr(b, name)
        assert (old.dtype, old.tobytes()) == (new.dtype, new.tobytes()), name


@pytest.mark.parametrize("size", [1, 7, 90])
def test_they_are_those_that_are_prepared_in_memory(jets, tiny, tmp_path, size):
    told = []
    stored = PreparedJets.of(batches_of(jets, size), tiny, tmp_path, told.append)
    assert_same(stored.constituents, prepare(jets.constituents, tiny))
    assert len(stored) == sum(told) == 90
    assert stored.fingerprint.to_dict() == Fingerprint().add(jets).to_dict()


def test_batches_are_copied_from_the_file_and_nothing_else_is(jets, tiny, tmp_path):
    stored = PreparedJets.of([jets], tiny, tmp_path).constituents
    rows = np.array([80, 3, 3, 0])
    assert_same(stored[rows], prepare(jets.constituents, tiny)[rows])
    for name in ARRAYS:
        mapped = getattr(stored, name)
        while mapped.base is not None and not isinstance(mapped, np.memmap):
            mapped = mapped.base
        assert isinstance(mapped, np.memmap), name
        assert not getattr(stored, name).flags.writeable
        assert getattr(stored[rows], name).flags.owndata
    assert "lengths" not in vars(stored)


def test_the_files_have_no_name(jets, tiny, tmp_path):
    stored = PreparedJets.of([jets], tiny, tmp_path / "model")
    assert names(tmp_path / "model") == []
    assert float(stored.constituents.pt.sum()) > 0  # they are there all the same


def test_empty_batches_are_passed_over_and_no_jets_are_none(jets, tiny, tmp_path):
    stored = PreparedJets.of([jets[:0], jets[:20], jets[:0], jets[20:]], tiny, tmp_path)
    assert_same(stored.constituents, prepare(jets.constituents, tiny))
    for nothing in ([], [jets[:0]]):
        assert len(PreparedJets.of(nothing, tiny, tmp_path)) == 0


def test_bad_input_leaves_no_folder(tiny, tmp_path):
    def broken():
        raise InputError("no such file")
        yield

    with pytest.raises(InputError, match="no such file"):
        PreparedJets.of(broken(), tiny, tmp_path / "model")
    assert names(tmp_path) == []


def test_a_full_disk_is_one_line(jets, tiny, tmp_path, monkeypatch):
    def full(file, rows):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_append", full)
    with pytest.raises(InputError, match=r"prepared jets cannot be written \(No space left"):
        PreparedJets.of([jets], tiny, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["pt", "eta", "phi"])
def test_the_fingerprint_sees_every_constituent_and_the_order_of_the_jets(jets, name):
    expected = Fingerprint().add(jets).to_dict()
    changed = getattr(jets.constituents, name).copy()
    changed[-1] *= np.float32(1.001)
    other = replace(jets, constituents=replace(jets.constituents, **{name: changed}))
    assert Fingerprint().add(other).to_dict() != expected
    assert Fingerprint().add(jets[::-1]).to_dict() != expected
    # The same numbers in other jets.
    offsets = jets.constituents.offsets.copy()
    offsets[5] += 1
    other = replace(jets, constituents=replace(jets.constituents, offsets=offsets))
    assert Fingerprint().add(other).to_dict() != expected
    halves = Fingerprint().add(jets[:40]).add(jets[40:])
    assert halves.to_dict() == expected


def test_weights_are_relative_to_their_mean_and_belong_to_the_fingerprint(jets, tiny, tmp_path):
    heavy = replace(jets, weight=np.linspace(0, 4, len(jets), dtype=np.float32))
    for size in (7, 90):
        stored = PreparedJets.of(batches_of(heavy, size), tiny, tmp_path)
        np.testing.assert_allclose(stored.weight, heavy.weight / 2, rtol=1e-6)
    plain = Fingerprint().add(jets).to_dict()
    assert Fingerprint().add(heavy).to_dict() != plain
    assert Fingerprint().add(replace(jets, weight=jets.weight * 3)).to_dict() == plain


def test_a_flat_spectrum_is_that_of_all_batches_together(tiny, tmp_path):
    jets = toy_jets(2000, seed=5, mean=3)
    pt = (150 + 150 * np.random.default_rng(0).random(len(jets)) ** 3).astype(np.float32)
    jets = replace(jets, pt=pt)
    flat = PreparedJets.of(batches_of(jets, 170), tiny, tmp_path).flat_in_pt()
    expected = flat_weights(pt, np.ones(len(jets)))
    np.testing.assert_allclose(flat.weight, expected / expected.mean(), rtol=1e-5)
    content = np.histogram(pt, 5, (150, 300), weights=flat.weight)[0]
    assert content.max() < 1.5 * content.min()
    assert flat.fingerprint.to_dict() == Fingerprint().add(jets).to_dict()
