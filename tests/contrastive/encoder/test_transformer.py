from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from invariance import (
    check_infrared_safety,
    check_padding_invariance,
    check_permutation_invariance,
    with_soft_constituent,
)
from plain_training import PlainEncoder, name_of, padded

from darkclr.contrastive.encoder.batches import PackedBatch
from darkclr.contrastive.encoder.transformer import Encoder


def in_double(constituents, encoder, length, fill=0.0):
    """Padded features, divided in float32 as the network's input is, and mask."""
    features, is_padding = padded(constituents, encoder.config.pt_scale, length, fill)
    return features.double(), is_padding


def test_order_of_constituents_does_not_matter(make_encoder, encoding, constituents):
    check_permutation_invariance(encoding(make_encoder()), constituents, rtol=1e-12)


def test_a_jet_does_not_see_its_neighbours(make_encoder, encoding, constituents):
    check_padding_invariance(encoding(make_encoder()), constituents, rtol=1e-12)


def test_the_checks_catch_encoders_that_are_not_invariant(make_encoder, encoding, constituents):
    encode = encoding(make_encoder())

    def sees_the_order(c):
        first = c.offsets[:-1]
        return encode(c) + c.eta[first, None].astype(float)

    def sees_its_neighbours(c):
        return encode(c) + c.lengths.max()

    with pytest.raises(AssertionError):
        check_permutation_invariance(sees_the_order, constituents)
    with pytest.raises(AssertionError):
        check_padding_invariance(sees_its_neighbours, constituents)


@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_equal_to_the_plain_transformer(make_encoder, packed, constituents, train):
    encoder = make_encoder(n_layers=3).train(train)
    plain = PlainEncoder(encoder).double().train()  # eval would take a fused path of its own
    ours = encoder(packed(constituents, encoder))
    theirs = plain(*in_double(constituents, encoder, constituents.lengths.max()))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)

    # Gradients of one scalar that weighs all outputs differently.
    for outputs in (ours, theirs):
        sum((x * torch.linspace(-1, 2, x.numel()).view_as(x)).sum() for x in outputs).backward()
    gradients = dict(plain.named_parameters())
    for name, parameter in encoder.named_parameters():
        expected = gradients[name_of(name)].grad
        scale = max(1.0, float(expected.abs().max()))
        torch.testing.assert_close(
            parameter.grad / scale, expected / scale, rtol=1e-10, atol=1e-10, msg=name
        )


@pytest.mark.parametrize(("extra", "fill"), [(0, 0.0), (7, 0.0), (3, 99.0)])
def test_padding_of_the_plain_transformer_changes_nothing(
    make_encoder, packed, constituents, extra, fill
):
    encoder = make_encoder()
    length = constituents.lengths.max() + extra
    plain = PlainEncoder(encoder).double().train()
    theirs = plain(*in_double(constituents, encoder, length, fill))
    for a, b in zip(encoder(packed(constituents, encoder)), theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_inference_equals_training(make_encoder, packed, constituents):
    encoder = make_encoder()
    batch = packed(constituents, encoder)
    with_gradients = encoder(batch)
    with torch.no_grad():
        without = encoder(batch)
    for a, b in zip(with_gradients, without, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences(make_encoder, packed, constituents):
    encoder = make_encoder(embedding_dim=4, feedforward_dim=5, output_dim=3, n_layers=1)
    batch = packed(constituents[constituents.lengths < 25][:4], encoder)
    features = batch.features.requires_grad_()

    def of(features, *_):
        return encoder(PackedBatch(features, batch.runs, batch.inverse))

    assert torch.autograd.gradcheck(of, (features, *encoder.parameters()))


def test_dropout_acts_in_training_alone(make_encoder, packed, constituents):
    encoder = make_encoder(dropout=0.5)
    batch = packed(constituents, encoder)
    plain = make_encoder(dropout=0.0)(batch)[1]
    torch.testing.assert_close(encoder(batch)[1], plain)
    encoder.train()
    assert not torch.allclose(encoder(batch)[1], encoder(batch)[1])


def test_dropout_of_a_block_keeps_the_mean_of_each_branch(make_encoder, packed, constituents):
    # Norms follow the dropout, so means are kept before the first of them only.
    encoder = make_encoder(dropout=0.3).train()
    block = encoder.blocks[0]
    batch = packed(constituents[:6], encoder)
    x = encoder.embedding(batch.features)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(2)
        draws = torch.stack([block.attention(x, batch.runs) for _ in range(400)])
        expected = block.eval().attention(x, batch.runs)
    pull = (draws.mean(0) - expected) / (draws.std(0) / len(draws) ** 0.5)
    assert pull.abs().max() < 5.5
    assert pull.std().item() == pytest.approx(1, abs=0.25)


def test_dimensions_are_those_of_table_1(constituents, packed):
    encoder = Encoder().double()
    pooled, z = encoder(packed(constituents, encoder))
    assert pooled.shape == (len(constituents), 128)
    assert z.shape == (len(constituents), 512)
    d, hidden, out = 128, 512, 512
    norm = 2 * d
    attention = d * 3 * d + 3 * d + d * d + d
    feedforward = d * hidden + hidden + hidden * d + d
    block = attention + feedforward + 2 * norm
    head = d * out + out + out * out + out
    assert sum(p.numel() for p in encoder.parameters()) == 3 * d + d + 4 * block + head
    assert len(encoder.blocks) == 4
    assert {block.attention.n_heads for block in encoder.blocks} == {4}
    assert encoder.config.n_constituents == 50


def test_pooling_is_a_sum_so_it_counts(make_encoder, packed, constituents):
    # Without attention (one constituent) the pooled representation of n copies is n times one.
    encoder = make_encoder()
    one = packed(constituents[:1].hardest(1), encoder)
    n = 5
    copies = PackedBatch(one.features.repeat(n, 1), ((n, 1),), one.inverse)
    torch.testing.assert_close(encoder.pool(copies), [n * h for h in encoder.pool(one)])


def test_pt_is_read_in_units_of_the_scale(make_encoder, encoding, constituents):
    half = make_encoder(pt_scale=150.0)
    doubled = type(constituents)(
        constituents.offsets, constituents.pt * 2, constituents.eta, constituents.phi
    )
    a = encoding(half)(constituents)
    b = encoding(make_encoder(pt_scale=300.0))(doubled)
    np.testing.assert_allclose(a, b, rtol=1e-6)


# --- continuous mask -----------------------------------------------------------------------


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_soft_constituents_fade_out_under_a_continuous_mask(
    make_encoder, encoding, constituents, power
):
    encode = encoding(make_encoder(pt_mask_power=power))
    check_infrared_safety(encode, constituents, power)
    check_permutation_invariance(encode, constituents)
    check_padding_invariance(encode, constituents)


def test_without_it_they_do_not(make_encoder, encoding, constituents):
    encode = encoding(make_encoder())
    soft, softer = (
        np.abs(encode(with_soft_constituent(constituents, pt)) - encode(constituents)).max()
        for pt in (1e-4, 1e-12)
    )
    assert softer == pytest.approx(soft, rel=0.01)
    assert softer > 0.01


@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_continuous_mask_is_an_additive_mask_of_the_plain_transformer(
    make_encoder, packed, constituents, train
):
    encoder = make_encoder(pt_mask_power=0.5).train(train)
    plain = PlainEncoder(encoder).double().train()
    features, is_padding = in_double(constituents, encoder, 50)
    pt = features[..., 0]
    mask = (0.5 * pt.log()).masked_fill(is_padding, -torch.inf)
    x = plain.embedding(features).transpose(0, 1)
    x = plain.transformer(x, src_key_padding_mask=mask).transpose(0, 1)
    pooled = (x * pt[..., None]).sum(1)
    with torch.set_grad_enabled(train):
        ours = encoder(packed(constituents, encoder))
    for a, b in zip(ours, (pooled, plain.head(pooled)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


# --- scale of jet pT -----------------------------------------------------------------------


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_fractions_of_pt_make_the_scale_of_a_jet_irrelevant(
    make_encoder, encoding, constituents, power
):
    def scaled(factor):
        factor = np.asarray(factor, dtype=np.float32)
        return replace(constituents, pt=constituents.pt * factor[constituents.jet_index])

    n = len(constituents)
    rng = np.random.default_rng(0)
    encode = encoding(make_encoder(pt_input="fraction", pt_mask_power=power))
    z = encode(constituents)
    # A factor of two has no rounding error; of another one it is that of float32.
    np.testing.assert_array_equal(encode(scaled(2.0 ** rng.integers(-3, 4, n))), z)
    other = encode(scaled(rng.uniform(0.5, 2, n)))
    np.testing.assert_allclose(other, z, rtol=0, atol=1e-6 * np.abs(z).max())
    paper = encoding(make_encoder(pt_mask_power=power))
    change = paper(scaled(rng.uniform(0.5, 2, n))) - paper(constituents)
    assert np.abs(change).max() > 1e-3 * np.abs(z).max()


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_all_sums_are_those_of_shallower_encoders(make_encoder, packed, constituents, power):
    """And the mean of the last; the head does not notice."""
    deep = make_encoder(n_layers=3, pooling="all", pt_mask_power=power)
    batch = packed(constituents, deep)
    pooled, z = deep(batch)
    assert pooled.shape == (len(constituents), deep.config.pooled_dim)
    parts = pooled.split(deep.config.embedding_dim, dim=1)
    for n_layers, part in enumerate(parts[:3], start=1):
        shallow = make_encoder(n_layers=n_layers, pt_mask_power=power)
        weights = shallow.state_dict()
        shallow.load_state_dict({k: v for k, v in deep.state_dict().items() if k in weights})
        expected, of_head = shallow(batch)
        assert torch.equal(part, expected)
    assert torch.equal(z, of_head)
    # ``expected`` is that of the deepest one, which pools after its last block alone.
    assert torch.equal(pooled[:, deep.config.last_sum], expected)
    assert torch.equal(expected[:, shallow.config.last_sum], expected)
    lengths = torch.as_tensor(constituents.lengths)[:, None]
    torch.testing.assert_close(parts[3] * lengths, parts[2])
