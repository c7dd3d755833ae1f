from __future__ import annotations

import numpy as np
import pytest
import torch

from darkclr.contrastive.config import LossConfig
from darkclr.contrastive.losses import contrastive_loss
from darkclr.errors import ConfigError

NAMES = ("anomclr_plus", "anomclr", "nt_xent")
NO_PENALTY = LossConfig(temperature=1.0, norm_penalty=0.0)


def random(n=20, d=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator)


def test_aligned_and_opposite_is_the_minimum():
    z = random()
    terms = contrastive_loss(z, 3 * z, -0.1 * z, NO_PENALTY)
    assert terms.alignment.item() == pytest.approx(1)
    assert terms.anomaly_similarity.item() == pytest.approx(-1)
    assert terms.loss.item() == pytest.approx(-2)


def test_the_wrong_way_round_is_the_maximum():
    z = random()
    assert contrastive_loss(z, -z, z, NO_PENALTY).loss.item() == pytest.approx(2)


def test_a_collapsed_encoder_gains_nothing():
    z = torch.ones(20, 6)
    assert contrastive_loss(z, z, z, NO_PENALTY).loss.item() == pytest.approx(0)


def test_orthogonal_vectors():
    x, y = torch.eye(2).repeat_interleave(3, 0).chunk(2)
    terms = contrastive_loss(x, y, x, NO_PENALTY)
    assert terms.alignment.item() == pytest.approx(0)
    assert terms.loss.item() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_temperature_divides_similarities_and_nothing_else(temperature):
    views = [random(seed=seed) for seed in range(3)]
    reference = contrastive_loss(*views, NO_PENALTY)
    terms = contrastive_loss(*views, LossConfig(temperature, norm_penalty=0.2))
    expected = reference.loss / temperature + 0.2 * reference.norm
    torch.testing.assert_close(terms.loss, expected)
    torch.testing.assert_close(terms.alignment, reference.alignment)


def test_penalty_is_on_the_background_alone():
    z = random()
    config = LossConfig(temperature=1.0, norm_penalty=1.0)
    norm = float(np.linalg.norm(z.numpy(), axis=1).mean())
    for factor in (1, 10):
        terms = contrastive_loss(z, factor * z, -factor * z, config)
        assert terms.norm.item() == pytest.approx(norm)
        assert terms.loss.item() == pytest.approx(-2 + norm, rel=1e-5)


def test_gradients_are_the_analytic_ones():
    # d s(a, b) / da = (b^ - s a^) / |a|
    config = LossConfig(temperature=0.3, norm_penalty=0.05)
    views = [random(seed=seed).requires_grad_() for seed in range(3)]
    contrastive_loss(*views, config).loss.backward()
    z, physical, anomalous = (v.detach().double().numpy() for v in views)
    norm, norm_p, norm_a = (
        np.linalg.norm(v, axis=1, keepdims=True) for v in (z, physical, anomalous)
    )
    unit, unit_p, unit_a = z / norm, physical / norm_p, anomalous / norm_a
    s_p, s_a = ((unit * u).sum(1, keepdims=True) for u in (unit_p, unit_a))
    n = len(z)
    by_z = (unit_a - s_a * unit - unit_p + s_p * unit) / norm / config.temperature
    expected = [
        (by_z + config.norm_penalty * unit) / n,
        -(unit - s_p * unit_p) / norm_p / config.temperature / n,
        (unit - s_a * unit_a) / norm_a / config.temperature / n,
    ]
    for view, gradient in zip(views, expected, strict=True):
        np.testing.assert_allclose(view.grad.numpy(), gradient, rtol=1e-4, atol=1e-6)


def test_half_precision_is_summed_in_single():
    views = [random(n=4096, seed=seed).bfloat16() for seed in range(3)]
    terms = contrastive_loss(*views, LossConfig())
    assert terms.loss.dtype == torch.float32
    torch.testing.assert_close(
        terms.loss, contrastive_loss(*(v.float() for v in views), LossConfig()).loss
    )


def weighted_gradients(views, weight, rows=slice(None)):
    leaves = [v.double().requires_grad_() for v in views]
    terms = contrastive_loss(*(v[rows] for v in leaves), LossConfig(), weight)
    terms.loss.backward()
    return terms, torch.stack([v.grad for v in leaves])


def test_weight_two_is_the_jet_twice():
    views = [random(seed=seed) for seed in range(3)]
    weight = torch.ones(20, dtype=torch.float64)
    weight[[3, 7]] = 2.0
    rows = torch.cat([torch.arange(20), torch.tensor([3, 7])])
    twice = weighted_gradients(views, None, rows)
    once = weighted_gradients(views, weight / weight.mean())
    for a, b in zip(once[0], twice[0], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(once[1], twice[1], rtol=1e-12, atol=1e-12)


def test_weighted_batches_are_unbiased():
    # The mean gradient over the batches of an epoch is the gradient of the weighted mean.
    views = [random(seed=seed) for seed in range(3)]
    weight = torch.rand(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64) ** 4
    weight /= weight.mean()
    whole = weighted_gradients(views, weight)[1]
    parts = [weighted_gradients(views, weight[rows], rows)[1] for rows in torch.arange(20).split(5)]
    torch.testing.assert_close(torch.stack(parts).mean(0), whole, rtol=1e-12, atol=1e-12)
    # Normalised within each batch it is another, which is why the weights are the sample's.
    own = [
        weighted_gradients(views, weight[rows] / weight[rows].mean(), rows)[1]
        for rows in torch.arange(20).split(5)
    ]
    assert (torch.stack(own).mean(0) - whole).norm() > 0.1 * whole.norm()


def test_unit_weights_change_no_bit():
    views = [random(seed=seed).requires_grad_() for seed in range(3)]
    plain = contrastive_loss(*views, LossConfig())
    gradients = torch.autograd.grad(plain.loss, views)
    terms = contrastive_loss(*views, LossConfig(), torch.ones(20))
    assert all(torch.equal(a, b) for a, b in zip(plain[:4], terms[:4], strict=True))
    for a, b in zip(gradients, torch.autograd.grad(terms.loss, views), strict=True):
        assert torch.equal(a, b)


# --- all losses ----------------------------------------------------------------------------


def plain_loss(z, physical, anomalous, config, weight) -> float:
    """The equations of the thesis, 3.12, 3.15 and 3.16, as they stand: sums over i and j."""

    def s(a, b):
        return a @ b / np.sqrt((a @ a) * (b @ b))

    tau, total = config.temperature, 0.0
    for i in range(len(z)):
        exponent = config.alignment_weight * s(z[i], physical[i])
        if config.name != "nt_xent":
            exponent -= config.separation_weight * s(z[i], anomalous[i])
        one = -exponent / tau
        if config.name != "anomclr_plus":
            one += np.log(
                sum(
                    weight[j] * (np.exp(s(z[i], z[j]) / tau) + np.exp(s(z[i], physical[j]) / tau))
                    for j in range(len(z))
                    if j != i
                )
            )
        total += weight[i] * (one + config.norm_penalty * np.sqrt(z[i] @ z[i]))
    return total / weight.sum()


@pytest.fixture
def views():
    return [random(n=7, d=4, seed=seed).double() for seed in range(3)]


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_the_equations(views, name, weighted):
    config = LossConfig(0.3, 0.05, name, alignment_weight=1.3, separation_weight=0.6)
    weight = torch.linspace(0.25, 1.75, 7, dtype=torch.float64) if weighted else None  # mean 1
    terms = contrastive_loss(*views, config, weight)
    plain = np.ones(7) if weight is None else weight.numpy()
    expected = plain_loss(*(v.numpy() for v in views), config, plain)
    assert terms.loss.dtype == torch.float64
    assert terms.loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(views, name):
    config = LossConfig(0.3, 0.05, name, alignment_weight=1.3, separation_weight=0.6)
    weight = torch.linspace(0.2, 2, 7, dtype=torch.float64)
    inputs = [v.requires_grad_() for v in views]
    if name == "nt_xent":
        inputs = inputs[:2]

    def of(*z):
        return contrastive_loss(z[0], z[1], z[2] if len(z) > 2 else None, config, weight).loss

    assert torch.autograd.gradcheck(of, inputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_jet_of_weight_zero_is_absent(views, name):
    config = LossConfig(name=name)
    weight = torch.tensor([1.0, 2.0, 0.0, 1.0, 0.5, 0.0, 3.0], dtype=torch.float64)
    there = weight > 0
    terms = contrastive_loss(*views, config, weight)
    # A mean over five jets instead of seven.
    kept = weight[there] * 5 / 7
    without = contrastive_loss(*(v[there] for v in views), config, kept)
    for a, b in zip(terms[1:], without[1:], strict=True):
        if a is not None:
            torch.testing.assert_close(a, b)
    # All terms of the sums U are as much smaller: a constant.
    shift = 0 if name == "anomclr_plus" else weight.mean() * np.log(7 / 5)
    torch.testing.assert_close(terms.loss, without.loss + shift)


@pytest.mark.parametrize("name", NAMES)
def test_negative_weights_give_numbers(views, name):
    weight = torch.tensor([2.0, 2.0, -1.0, 1.0, 1.5, 0.5, 1.0], dtype=torch.float64)
    assert torch.isfinite(contrastive_loss(*views, LossConfig(name=name), weight).loss)


@pytest.mark.parametrize("name", NAMES)
def test_lengths_and_a_common_rotation_do_not_matter(views, name):
    config = LossConfig(name=name, norm_penalty=0.0)
    expected = contrastive_loss(*views, config).loss
    turn = torch.linalg.qr(random(n=4, d=4, seed=9).double()).Q
    scaled = [factor * v @ turn for factor, v in zip((2.0, 0.3, 7.0), views, strict=True)]
    torch.testing.assert_close(contrastive_loss(*scaled, config).loss, expected)


@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_two_orthogonal_jets_in_closed_form(tau):
    """z' = z, z* = -z: s(z, z') = 1, s(z, z*) = -1, and both other similarities are 0."""
    z = torch.eye(2, dtype=torch.float64)
    negatives = np.log(2)
    for name, exponent in (("anomclr", 2), ("nt_xent", 1)):
        terms = contrastive_loss(z, z, -z, LossConfig(tau, 0.0, name))
        assert terms.loss.item() == pytest.approx(-exponent / tau + negatives)


def test_a_collapsed_encoder_is_punished_by_uniformity():
    z = torch.ones(5, 3, dtype=torch.float64)
    for name, exponent in (("anomclr", 0), ("nt_xent", 1)):
        config = LossConfig(0.5, 0.0, name)
        terms = contrastive_loss(z, z, z, config)
        expected = -exponent / 0.5 + np.log(2 * 4) + 1 / 0.5
        assert terms.loss.item() == pytest.approx(expected)
        spread = torch.eye(5, dtype=torch.float64)
        assert contrastive_loss(spread, spread, spread, config).loss < terms.loss


@pytest.mark.parametrize("name", ["anomclr", "nt_xent"])
def test_descent_drives_different_jets_apart_by_the_uniformity_alone(name):
    """Free vectors from near a point, anomalous pairs switched off: only log U is different."""
    similarity = {}
    for loss in ("anomclr_plus", name):
        config = LossConfig(0.5, 0.0, loss, separation_weight=0.0)
        z = (1 + 0.1 * random(n=16, d=8)).requires_grad_()
        noise = 0.05 * random(n=16, d=8, seed=1)
        optimiser = torch.optim.Adam([z], lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            contrastive_loss(z, z + noise, z, config).loss.backward()
            optimiser.step()
        unit = torch.nn.functional.normalize(z.detach(), dim=1)
        similarity[loss] = float((unit @ unit.T)[~torch.eye(16, dtype=torch.bool)].mean())
    assert similarity[name] < 0
    assert similarity["anomclr_plus"] > 0.8


def test_the_limits_of_the_temperature(views):
    """Hot: all negatives count alike. Cold: the nearest one alone counts."""
    n = len(views[0])
    for name in ("anomclr", "nt_xent"):
        hot = contrastive_loss(*views, LossConfig(1e6, 0.0, name)).loss.item()
        assert hot == pytest.approx(np.log(2 * (n - 1)), abs=1e-5)
        cold = 1e-4 * contrastive_loss(*views, LossConfig(1e-4, 0.0, name)).loss.item()
        unit = [torch.nn.functional.normalize(v, dim=1) for v in views]
        others = torch.cat([unit[0] @ unit[0].T, unit[0] @ unit[1].T], 1)
        others[torch.eye(n, dtype=torch.bool).repeat(1, 2)] = -2
        nearest = others.max(1).values
        own = (unit[0] * unit[1]).sum(1)
        if name == "anomclr":
            own = own - (unit[0] * unit[2]).sum(1)
        assert cold == pytest.approx(float((nearest - own).mean()), abs=1e-3)


def test_weights_shift_the_balance_of_the_similarities(views):
    base = contrastive_loss(*views, NO_PENALTY)
    for a, b in ((1, 0), (0, 1), (2, 0.5)):
        config = LossConfig(1.0, 0.0, alignment_weight=a, separation_weight=b)
        expected = b * base.anomaly_similarity - a * base.alignment
        torch.testing.assert_close(contrastive_loss(*views, config).loss, expected)


def test_jetclr_needs_no_anomalous_view_and_the_others_do(views):
    config = LossConfig(name="nt_xent")
    assert not config.needs_anomalous
    without = contrastive_loss(views[0], views[1], None, config)
    assert without.anomaly_similarity is None
    torch.testing.assert_close(without.loss, contrastive_loss(*views, config).loss)
    for name in ("anomclr_plus", "anomclr"):
        assert LossConfig(name=name).needs_anomalous
        with pytest.raises(ConfigError, match="needs the anomalous view"):
            contrastive_loss(views[0], views[1], None, LossConfig(name=name))


@pytest.mark.parametrize("name", NAMES)
def test_autocast_does_not_touch_the_similarities(name):
    views = [random(n=64, d=32, seed=seed) for seed in range(3)]
    config = LossConfig(name=name)
    expected = contrastive_loss(*views, config).loss
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(contrastive_loss(*views, config).loss, expected)


# --- several families of anomalous copies -----------------------------------------------------


@pytest.fixture
def families():
    return torch.stack([random(n=7, d=4, seed=seed).double() for seed in (5, 6, 7)])


@pytest.mark.parametrize("name", ["anomclr_plus", "anomclr"])
def test_families_enter_by_their_mean_and_by_their_pairs(views, families, name):
    config = LossConfig(0.3, 0.05, name, separation_weight=0.6, family_weight=0.4)
    weight = torch.linspace(0.25, 1.75, 7, dtype=torch.float64)
    terms = contrastive_loss(*views[:2], families, config, weight)
    alone = [contrastive_loss(*views[:2], one, config, weight) for one in families]
    mean = torch.stack([one.loss for one in alone]).mean()
    pairs = [(0, 1), (0, 2), (1, 2)]
    cosine = torch.stack(
        [torch.cosine_similarity(families[i], families[j], dim=-1) for i, j in pairs]
    )
    expected = (weight * cosine).mean()
    torch.testing.assert_close(terms.family_similarity, expected)
    torch.testing.assert_close(terms.loss, mean + 0.4 / 0.3 * expected)  # 3 pairs / 3 families
    assert alone[0].family_similarity is None


def test_a_single_family_is_the_anomalous_view(views):
    one, same = (
        contrastive_loss(*views[:2], anomalous, LossConfig())
        for anomalous in (views[2], views[2][None])
    )
    torch.testing.assert_close(one.loss, same.loss)
    assert same.family_similarity is None


def test_a_jet_of_weight_two_is_the_jet_twice_in_all_families(views, families):
    weight = torch.ones(7, dtype=torch.float64)
    weight[[2, 5]] = 2
    rows = torch.tensor([*range(7), 2, 5])
    once = contrastive_loss(*views[:2], families, LossConfig(), weight / weight.mean())
    twice = contrastive_loss(*(v[rows] for v in views[:2]), families[:, rows], LossConfig())
    for a, b in zip(once, twice, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_each_family_leaves_in_a_direction_of_its_own(weight):
    """The minimum of the loss is a regular simplex, or all families are opposite of the jet."""
    config = LossConfig(temperature=1.0, norm_penalty=0.0, family_weight=weight)
    z = random(n=4, d=6, seed=1)
    copies = torch.stack([random(n=4, d=6, seed=seed) for seed in (2, 3)]).requires_grad_()
    optimiser = torch.optim.Adam([copies], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        contrastive_loss(z, z, copies, config).loss.backward()
        optimiser.step()
    terms = contrastive_loss(z, z, copies.detach(), config)
    away, mutual = terms.anomaly_similarity.item(), terms.family_similarity.item()
    expected = (-0.5, -0.5) if weight else (-1.0, 1.0)
    assert (away, mutual) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["anomclr", "nt_xent"])
def test_other_jets_repel_by_their_weight_and_not_at_all_if_it_is_negative(name):
    views = [random(6, seed=seed).double() for seed in range(3)]
    weight = torch.tensor([1.0, 2.0, -0.7, 0.5, 1.5, 1.2], dtype=torch.float64)
    config = LossConfig(0.5, norm_penalty=0.0, name=name)
    plain = LossConfig(0.5, norm_penalty=0.0)
    z, physical = (v / v.norm(dim=1, keepdim=True) for v in views[:2])
    pulled = -(weight * (z * physical).sum(1)).mean() / 0.5
    if name == "anomclr":
        pulled = contrastive_loss(*views, plain, weight).loss
    repelled = []
    for i in range(6):
        sums = [
            weight[j].clamp(min=0) * ((z[i] @ z[j] / 0.5).exp() + (z[i] @ physical[j] / 0.5).exp())
            for j in range(6)
            if j != i
        ]
        repelled.append(weight[i] * torch.stack(sums).sum().log())
    expected = pulled + torch.stack(repelled).mean()
    torch.testing.assert_close(contrastive_loss(*views, config, weight).loss, expected)
