from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from folders import names
from toy import toy_jets

from darkclr.augmentations import Augmentations, ConstituentDrop, PtReweighting
from darkclr.contrastive import encoding as module
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode, prepare
from darkclr.errors import InputError
from darkclr.io.chunks import in_chunks
from darkclr.io.parquet import column_names, read_table, write_table
from darkclr.io.representations import (
    iterate_representations,
    read_representations,
    representations_metadata,
    write_representations,
)
from darkclr.kinematics import centroid
from darkclr.representations import Representations
from darkclr.split import Split

COLUMNS = ("z", "pooled", "pt", "n_constituents", "label", "weight", "event", "rank", "family")


@pytest.fixture(scope="module")
def jets():
    return toy_jets(80, seed=3, label=1)


@pytest.fixture
def encoder(make_encoder) -> Encoder:
    return make_encoder().float()


@pytest.fixture
def both(encoder, jets) -> Representations:
    parts = [encode(encoder, jets), encode(encoder, jets, dropped=Augmentations())]
    return Representations.concatenate(parts)


def test_round_trip_is_exact(both, tmp_path):
    write_representations(both, tmp_path / "a.parquet")
    again = read_representations(tmp_path / "a.parquet")
    for name in COLUMNS:
        old, new = getattr(both, name), getattr(again, name)
        assert (old.dtype, old.shape) == (new.dtype, new.shape), name
        assert old.tobytes() == new.tobytes(), name
    assert again.provenance == both.provenance
    assert again.encoder == both.encoder is not None
    assert names(tmp_path) == ["a.parquet"]


def test_rows_are_those_of_the_jets(both, jets):
    assert len(both) == 160
    assert both.dropped.tolist() == [False] * 80 + [True] * 80
    for half in (both[:80], both[80:]):
        for name in ("pt", "label", "weight", "event", "rank"):
            np.testing.assert_array_equal(getattr(half, name), getattr(jets, name))
    np.testing.assert_array_equal(both.n_constituents[:80], jets.n_constituents)
    assert (both.n_constituents[80:] <= jets.n_constituents).all()
    assert both.n_constituents[80:].sum() < 0.6 * jets.n_constituents.sum()


def test_a_batch_size_is_not_a_result(encoder, jets):
    one = encode(encoder, jets, batch_size=1024)
    other = encode(encoder, jets, batch_size=7)
    scale = np.abs(one.z).max()
    np.testing.assert_allclose(one.z, other.z, atol=1e-5 * scale)
    np.testing.assert_allclose(encode(encoder, jets[::-1]).z[::-1], one.z, atol=1e-5 * scale)


def test_representations_are_those_of_the_encoder_in_double_precision(make_encoder, encoding, jets):
    expected = encoding(make_encoder())(prepare(jets.constituents, make_encoder().config))
    z = encode(make_encoder().float(), jets).z
    np.testing.assert_allclose(z, expected, atol=1e-5 * np.abs(expected).max())


def test_where_the_jet_is_does_not_matter(encoder, jets):
    c = jets.constituents
    turned = type(c)(c.offsets, c.pt, c.eta + 1, ((c.phi + 5) % (2 * np.pi)).astype(np.float32))
    expected = encode(encoder, jets).z
    z = encode(
        encoder, type(jets).from_constituents(turned.offsets, turned.pt, turned.eta, turned.phi)
    ).z
    np.testing.assert_allclose(z, expected, atol=1e-4 * np.abs(expected).max())


def test_prepared_jets_are_the_hardest_around_their_centre(jets, tiny):
    prepared = prepare(jets.constituents, tiny)
    assert prepared.lengths.max() == tiny.n_constituents
    for x in centroid(prepared.pt, prepared.eta, prepared.phi, prepared.offsets):
        np.testing.assert_allclose(x, 0, atol=1e-6)


@pytest.mark.parametrize("dropped", [None, Augmentations()], ids=["jets", "dropped copies"])
def test_a_stream_gives_the_bits_of_a_single_call(encoder, jets, monkeypatch, dropped):
    monkeypatch.setattr(module, "CHUNK", 24)
    at_once = encode(encoder, jets, dropped=dropped, seed=5)
    rng = np.random.default_rng(5)
    batches = (jets[start : start + 7] for start in range(0, len(jets), 7))
    parts = [encode(encoder, c, dropped=dropped, seed=rng) for c in in_chunks(batches, 24)]
    assert [len(part) for part in parts] == [24, 24, 24, 8]
    stream = Representations.concatenate(parts)
    for name in COLUMNS:
        assert getattr(stream, name).tobytes() == getattr(at_once, name).tobytes(), name


def test_the_chunk_changes_no_more_than_the_last_bit_and_not_the_draws(encoder, jets, monkeypatch):
    expected = encode(encoder, jets, dropped=Augmentations(), seed=5)
    monkeypatch.setattr(module, "CHUNK", 24)
    other = encode(encoder, jets, dropped=Augmentations(), seed=5)
    np.testing.assert_array_equal(other.n_constituents, expected.n_constituents)
    np.testing.assert_allclose(other.z, expected.z, atol=1e-6 * np.abs(expected.z).max())


def test_families_are_told_apart(encoder, jets, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 64)
    chains = {"drop": [ConstituentDrop(0.3)], "soft": [PtReweighting(2.0)]}
    copies = encode(encoder, jets, dropped=Augmentations(anomalous=chains), seed=5)
    rows = Representations.concatenate([encode(encoder, jets), copies])
    assert rows.families == ("drop", "soft")
    assert np.bincount(rows.family).tolist() == [80, 80, 80]
    np.testing.assert_array_equal(rows.dropped, rows.family > 0)
    # Each family is what it is alone: here one without random numbers.
    alone = encode(encoder, jets, dropped=Augmentations(anomalous=chains["soft"]))
    assert alone.families == ("dropped",)
    assert rows[rows.family == 2].z.tobytes() == alone.z.tobytes()
    # By whatever number, a family keeps its name.
    joined = Representations.concatenate([alone, copies])
    assert joined.families == ("dropped", "drop", "soft")
    assert joined[joined.family == 3].z.tobytes() == alone.z.tobytes()
    write_representations(rows, tmp_path / "a.parquet")
    again = read_representations(tmp_path / "a.parquet")
    assert again.families == rows.families
    np.testing.assert_array_equal(again.family, rows.family)


def test_files_of_an_earlier_version_have_one_family(both, tmp_path):
    path = tmp_path / "a.parquet"
    metadata = representations_metadata(both.provenance, both.encoder)
    del metadata["families"]
    write_table(both.to_table().drop_columns(["family"]), path, metadata)
    again = read_representations(path)
    assert again.families == ("dropped",)
    np.testing.assert_array_equal(again.family, np.repeat([0, 1], 80))
    assert again.fingerprint() == both.fingerprint()


def test_no_jets_are_named(encoder, jets):
    with pytest.raises(InputError, match="there are no jets to encode"):
        encode(encoder, jets[:0])


def test_a_file_is_read_in_batches(both, tmp_path):
    write_representations(both, tmp_path / "a.parquet")
    parts = list(iterate_representations(tmp_path / "a.parquet", 50))
    assert [len(part) for part in parts] == [50, 50, 50, 10]
    again = Representations.concatenate(parts)
    for name in COLUMNS:
        assert getattr(again, name).tobytes() == getattr(both, name).tobytes(), name


def test_partons_travel_with_their_jets(encoder, jets, tmp_path):
    pdg = np.arange(len(jets)) % 7
    known = replace(jets, truth={"parton_pdg": pdg})
    rows = Representations.concatenate(
        [encode(encoder, known), encode(encoder, known, dropped=Augmentations())]
    )
    assert rows.parton_pdg.dtype == np.int32
    np.testing.assert_array_equal(rows.parton_pdg, np.tile(pdg, 2))
    np.testing.assert_array_equal(rows[rows.dropped][::-1].parton_pdg, pdg[::-1])
    np.testing.assert_array_equal(
        rows.part("test", Split()).parton_pdg, rows.parton_pdg[Split().part(rows.event, "test")]
    )
    write_representations(rows, tmp_path / "a.parquet")
    again = read_representations(tmp_path / "a.parquet")
    assert again.parton_pdg.tobytes() == rows.parton_pdg.tobytes()
    # Without them in one part, they are not known of all; zeros can be asked for.
    plain = encode(encoder, jets)
    assert plain.parton_pdg is None
    assert Representations.concatenate([rows, plain]).parton_pdg is None
    assert plain.with_partons(True).parton_pdg.tolist() == [0] * len(jets)
    write_representations(plain, tmp_path / "b.parquet")
    assert "parton_pdg" not in column_names(tmp_path / "b.parquet")
    assert read_representations(tmp_path / "b.parquet").parton_pdg is None


def test_kinematics_travel_with_their_jets(encoder, jets, tmp_path):
    rows = encode(encoder, jets)
    write_representations(rows, tmp_path / "a.parquet")
    again = read_representations(tmp_path / "a.parquet")[::-1]
    for name in ("eta", "phi", "mass"):
        np.testing.assert_array_equal(getattr(again, name)[::-1], getattr(jets, name))
    # A file of an earlier version does not have them.
    earlier = read_table(tmp_path / "a.parquet").drop_columns(["eta", "phi", "mass"])
    earlier = Representations.from_table(earlier, {}, "earlier")
    assert earlier.mass is None
    assert Representations.concatenate([rows, earlier]).mass is None


def test_dropped_copies_depend_on_their_seed(encoder, jets):
    a, b, c = (encode(encoder, jets, dropped=Augmentations(), seed=s).z for s in (1, 1, 2))
    assert a.tobytes() == b.tobytes() != c.tobytes()


def test_encoding_needs_no_generator_and_tells_progress(encoder, jets):
    told = []
    before = torch.get_rng_state()
    encode(encoder.train(), jets, batch_size=30, progress=told.append)
    assert told == [30, 30, 20]
    assert torch.equal(torch.get_rng_state(), before)


def test_encoders_are_told_apart(encoder, make_encoder, jets, tiny):
    rows, same = encode(encoder, jets), encode(make_encoder().float(), jets)
    assert rows.encoder == same.encoder == encoder.digest()
    changed = make_encoder().float()
    with torch.no_grad():
        changed.head[2].bias[0] += 1e-6
    other_scale = Encoder(replace(tiny, pt_scale=tiny.pt_scale + 1))  # the same weights
    other_scale.load_state_dict(encoder.state_dict())
    assert len({encoder.digest(), changed.digest(), other_scale.digest()}) == 3
    unknown = replace(rows, encoder=None)
    assert Representations.concatenate([rows, unknown]).encoder is None
    with pytest.raises(InputError, match="of different encoders"):
        Representations.concatenate([rows, encode(changed, jets)])
    with pytest.raises(InputError, match="no representations"):
        Representations.concatenate([])


def test_rows_have_a_fingerprint(both):
    mark = both.fingerprint()
    assert mark == both[:].fingerprint()
    assert (mark["n"], mark["encoder"]) == (160, both.encoder)
    changes = [
        {"z": np.nextafter(both.z, 9)},
        {"event": both.event + 1},
        {"weight": 2 * both.weight},
    ]
    marks = [replace(both, **change).fingerprint()["sha256"] for change in changes]
    marks += [both[:80].fingerprint()["sha256"], both[::-1].fingerprint()["sha256"]]
    assert len({mark["sha256"], *marks}) == 6


def test_copies_stay_with_their_jet_in_a_split(both):
    parts = [set(both.part(name, Split()).event.tolist()) for name in ("train", "test")]
    assert not parts[0] & parts[1]
    train = both.part("train", Split())
    np.testing.assert_array_equal(train.event[train.dropped], train.event[~train.dropped])


def test_other_files_are_refused(both, tmp_path):
    path = tmp_path / "a.parquet"
    write_representations(both, path)
    pq.write_table(pq.read_table(path).drop_columns(["pooled"]), path)
    with pytest.raises(InputError, match=r"missing columns \['pooled'\]; write the file with"):
        read_representations(path)
    both.z[3, 1] = np.nan
    write_representations(both, path)
    with pytest.raises(InputError, match="column 'z' has NaN"):
        read_representations(path)


def test_bfloat16_is_near_and_auto_is_one_of_both(make_encoder):
    encoder, jets = make_encoder().float(), toy_jets(50)
    z = {p: encode(encoder, jets, precision=p).z for p in ("float32", "bfloat16", "auto")}
    difference = np.linalg.norm(z["bfloat16"] - z["float32"]) / np.linalg.norm(z["float32"])
    assert 0 < difference < 0.02
    assert z["auto"].tobytes() in (z["float32"].tobytes(), z["bfloat16"].tobytes())
    assert z["float32"].tobytes() == encode(encoder, jets).z.tobytes()


def test_weights_travel_with_their_jets(encoder, jets):
    heavy = replace(jets, weight=np.linspace(0.5, 2, len(jets), dtype=np.float32))
    for dropped in (None, Augmentations()):
        rows = encode(encoder, heavy, dropped=dropped)
        assert rows.weight.tolist() == heavy.weight.tolist()


def test_nothing_is_dropped_where_nothing_is_trained(make_encoder, jets):
    """Whatever mode the encoder was left in."""
    encoder = make_encoder(dropout=0.5).float()
    expected = encode(encoder, jets).z
    assert encode(encoder.train(), jets).z.tobytes() == expected.tobytes()
