from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from darkclr.errors import InputError, SimulationError
from darkclr.io import read_jets
from darkclr.simulation.processes import Prescale
from darkclr.simulation.sample import SampleConfig, generate, plan
from darkclr.simulation.sample.shard import EVENTS_PER_SHARD, simulate_shard

QUICK = SampleConfig(process="aachen", n_jets=50, shard_jets=20, mpi=False)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return generate(QUICK, tmp_path_factory.mktemp("one") / "aachen.parquet", workers=1)


def test_jets_pass_the_selection_and_are_matched(sample):
    jets = read_jets(sample)
    selection = plan(QUICK).process.selection
    assert len(jets) == QUICK.n_jets
    assert ((jets.pt > selection.pt_min) & (jets.pt < selection.pt_max)).all()
    assert (np.abs(jets.eta) < selection.abs_eta_max).all()
    assert (jets.truth["parton_delta_r"] < 0.8).all()
    assert set(np.abs(jets.truth["parton_pdg"]).tolist()) == {4900101}
    assert (jets.label == 1).all()
    assert (jets.weight == 1).all()


def test_constituents_add_up_to_their_jet(sample):
    jets = read_jets(sample)
    c = jets.constituents
    px = np.bincount(c.jet_index, weights=c.pt * np.cos(c.phi))
    py = np.bincount(c.jet_index, weights=c.pt * np.sin(c.phi))
    np.testing.assert_allclose(np.hypot(px, py), jets.pt, rtol=1e-5)


def test_events_are_unique_and_shards_apart(sample):
    jets = read_jets(sample)
    shard = jets.event // EVENTS_PER_SHARD
    np.testing.assert_array_equal(shard, np.repeat([0, 1, 2], [20, 20, 10]))
    keys = set(zip(jets.event.tolist(), jets.rank.tolist(), strict=True))
    assert len(keys) == len(jets)


def test_provenance_tells_all_that_is_needed_to_repeat(sample):
    provenance = read_jets(sample).provenance
    assert provenance["process"] == "aachen"
    assert provenance["seed"] == QUICK.seed
    assert "4900023:m0 = 2000" in provenance["pythia_settings"]
    assert "PartonLevel:MPI = off" in provenance["pythia_settings"]
    assert provenance["versions"]["fastjet"]
    counts = provenance["counts"]
    assert abs(counts["r_inv"] - 0.756) < 4 * np.sqrt(0.25 * 0.75 / counts["dark_mesons"])
    assert counts["accepted_jets"] >= QUICK.n_jets
    assert counts["cross_section_pb"] > 0


def test_the_same_bytes_with_two_workers(sample, tmp_path):
    told = []
    other = generate(QUICK, tmp_path / "two.parquet", workers=2, progress=told.append)
    assert other.read_bytes() == sample.read_bytes()
    assert sum(told) == QUICK.n_jets
    assert [p.name for p in tmp_path.iterdir()] == ["two.parquet"]


def test_more_jets_are_appended(sample, tmp_path):
    fewer = read_jets(generate(replace(QUICK, n_jets=30), tmp_path / "a.parquet", workers=1))
    jets = read_jets(sample)[:30]
    np.testing.assert_array_equal(fewer.event, jets.event)
    np.testing.assert_array_equal(fewer.constituents.pt, jets.constituents.pt)


def test_a_biased_sample_has_weights_that_undo_the_bias(tmp_path):
    config = SampleConfig(n_jets=60, shard_jets=30, mpi=False, bias=4)
    jets = read_jets(generate(config, tmp_path / "qcd.parquet", workers=1))
    np.testing.assert_allclose(jets.weight.mean(), 1, rtol=1e-5)
    undone = jets.weight * jets.truth["pthat"] ** 4  # one constant for the whole sample
    np.testing.assert_allclose(undone, undone[0], rtol=1e-3)


def test_a_prescaled_sample_stands_for_as_many_jets_of_the_same_pt():
    """With a far stronger prescale than by default, so that few jets show it."""
    plain = plan(SampleConfig(n_jets=200, mpi=False)).shards[0]
    veto = replace(plain.process.veto, prescale=Prescale(pt=200.0, factor=4))
    prescaled = replace(plain, process=replace(plain.process, veto=veto), seed=plain.seed + 1)
    found = [simulate_shard(shard) for shard in (plain, prescaled)]
    assert {*found[1][0].weight} == {1.0, 4.0}
    rates, means = [], []
    for jets, counts in found:
        w = jets.weight.astype(float)
        rates.append((counts.summary()["jets_per_event"], np.sqrt((w**2).sum()) / w.sum()))
        mean = np.average(jets.pt, weights=w)
        error = np.sqrt((w**2 * (jets.pt - mean) ** 2).sum()) / w.sum()
        means.append((mean, error / mean))
    for (first, first_error), (second, second_error) in (rates, means):
        assert abs(first / second - 1) < 3 * np.hypot(first_error, second_error)


def test_a_prescaled_sample_says_so_and_has_weights_of_mean_one(tmp_path):
    config = SampleConfig(n_jets=40, mpi=False, early_veto="prescaled")
    jets = read_jets(generate(config, tmp_path / "qcd.parquet", workers=1))
    np.testing.assert_allclose(jets.weight.mean(), 1, rtol=1e-6)
    assert jets.provenance["early_veto"]["prescale"] == asdict(Prescale())


def test_a_shard_is_a_row_group_so_that_the_merge_needs_no_more_memory(sample):
    file = pq.ParquetFile(sample)
    rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert rows == [20, 20, 10]


def test_a_stopped_run_continues_where_it_was(sample, tmp_path):
    output = tmp_path / "aachen.parquet"

    told: list[int] = []

    def stop_in_third_shard(new):
        told.append(new)
        if sum(told) > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(QUICK, output, workers=1, progress=stop_in_third_shard)
    shards = sorted((tmp_path / "aachen.parquet.shards").glob("*.parquet"))
    assert [s.name for s in shards] == ["shard-00000.parquet", "shard-00001.parquet"]
    assert not output.exists()

    shards[1].write_bytes(shards[1].read_bytes()[:1000])  # torn by a crash
    untouched = shards[0].stat().st_mtime_ns
    told.clear()

    def progress(new):
        told.append(new)
        assert shards[0].stat().st_mtime_ns == untouched

    generate(QUICK, output, workers=1, progress=progress)
    assert told[0] == 20  # the finished shard, at once
    assert sum(told) == QUICK.n_jets
    assert output.read_bytes() == sample.read_bytes()


def test_shards_of_another_sample_are_refused(sample, tmp_path):
    folder = tmp_path / "aachen.parquet.shards"
    folder.mkdir()
    (folder / "shard-00000.parquet").write_bytes(sample.read_bytes())
    with pytest.raises(InputError, match="another sample"):
        generate(replace(QUICK, seed=2), tmp_path / "aachen.parquet", workers=1)


def test_a_finished_sample_is_returned_at_once_and_never_overwritten(sample):
    before = sample.stat().st_mtime_ns
    assert generate(QUICK, sample) == sample
    assert sample.stat().st_mtime_ns == before
    for other in (replace(QUICK, n_jets=60), replace(QUICK, seed=2), replace(QUICK, card="cms")):
        with pytest.raises(InputError, match="another sample"):
            generate(other, sample)


def test_top_jets_tell_what_of_the_decay_they_hold(tmp_path):
    """Jets of a whole top, a whole W and the rest have the masses of these."""
    config = SampleConfig(process="top", n_jets=150, mpi=False)
    jets = read_jets(generate(config, tmp_path / "top.parquet", workers=1))
    assert (jets.pt > 200).all()
    assert (jets.pt > 300).any()
    assert (np.abs(jets.eta) < 2.4).all()
    assert jets.provenance["card"] == "cms"
    top, w, b = (jets.truth[f"{name}_inside"] == 1 for name in ("top", "w", "b"))
    assert (w & b)[top].all()
    only_w = w & ~b
    assert 70 < np.median(jets.mass[only_w]) < 95
    assert np.median(jets.mass[only_w]) < np.median(jets.mass[w & b])
    assert (~w & ~b).any()  # radiation
    assert (jets.truth["parton_pdg"] == 0).any()


def test_parameters_belong_to_the_sample(tmp_path):
    config = SampleConfig(
        process="svj_t", n_jets=10, mpi=False, parameters={"m_phi": 1000, "r_inv": 0.5}
    )
    first = generate(config, tmp_path / "a.parquet", workers=1)
    again = generate(config, tmp_path / "b.parquet", workers=1)
    assert first.read_bytes() == again.read_bytes()
    provenance = read_jets(first).provenance
    assert provenance["parameters"] == {"m_phi": 1000.0, "r_inv": 0.5, "m_dark": 20.0}
    assert provenance["selection"]["pt_max"] is None
    with pytest.raises(InputError, match="another sample"):
        generate(replace(config, parameters={"m_phi": 1000, "r_inv": 0.4}), first)


@pytest.mark.parametrize("output", ["file/x.parquet", ".", "/proc/nowhere/x.parquet"])
def test_targets_that_cannot_be_written_are_refused_before_the_simulation(tmp_path, output):
    (tmp_path / "file").touch()
    told = []
    with pytest.raises(InputError, match=r"cannot be written|is a directory"):
        generate(QUICK, tmp_path / output, workers=1, progress=told.append)
    assert not told


def test_failures_of_workers_reach_the_user(tmp_path):
    config = replace(QUICK, settings=["PhaseSpace:mHatMin = 20000"])
    with pytest.raises(SimulationError, match="Pythia"):
        generate(config, tmp_path / "x.parquet", workers=2)
    assert not list(tmp_path.iterdir())
