"""Signal in the place of training jets: as much as was asked for, and nothing else changed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from toy import toy_jets

pytest.importorskip("lightning")

from darkclr.io import read_jets, write_jets
from darkclr.split import Split
from darkclr.studies.reproduction.beyond.contamination import _MIXED, _mix

SPLIT = Split(0.5, 0.2, 0.3)


@pytest.fixture
def run(tmp_path):
    background, signal = toy_jets(400, seed=0, mean=24), toy_jets(60, seed=1, mean=9)
    parton = np.full(len(background), 21, np.int32)
    background = replace(background, label=np.zeros(400, np.int8), truth={"parton_pdg": parton})
    background = replace(background, provenance={"fingerprint": "x", "n_jets": 400})
    write_jets(background, tmp_path / "qcd.parquet")
    write_jets(replace(signal, label=np.ones(60, np.int8)), tmp_path / f"{_MIXED}.parquet")
    return SimpleNamespace(
        sample=lambda name: tmp_path / f"{name}.parquet", config=SimpleNamespace(split=SPLIT)
    )


def test_a_share_of_the_training_jets_is_signal_and_nothing_says_so(run):
    before = read_jets(run.sample("qcd"))
    _mix("contamination-0.1", run)
    after = read_jets(run.sample("qcd"))
    n_train = int(SPLIT.part(before.event, "train").sum())
    assert sorted(after.event) == sorted(before.event)
    assert (after.label == 0).all()
    assert after.provenance["fingerprint"] == "x"  # the sample is still found finished
    for part in ("validation", "test"):
        ours, theirs = after.part(part, SPLIT), before.part(part, SPLIT)
        np.testing.assert_array_equal(ours.pt[np.argsort(ours.event, kind="stable")], theirs.pt)
    signal = read_jets(run.sample(_MIXED))
    mixed = np.isin(after.pt, signal.pt)
    assert mixed.sum() == round(0.1 * n_train)
    assert SPLIT.part(after.event[mixed], "train").all()
    # Once is enough, however often the training is resumed.
    _mix("contamination-0.1", run)
    np.testing.assert_array_equal(read_jets(run.sample("qcd")).pt, after.pt)


def test_no_share_changes_nothing(run):
    before = run.sample("qcd").read_bytes()
    _mix("contamination-0", run)
    assert run.sample("qcd").read_bytes() == before
