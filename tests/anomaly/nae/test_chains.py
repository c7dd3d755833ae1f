from __future__ import annotations

import pytest

from darkclr.anomaly.nae.chains import ChainParameters, resolve_chain
from darkclr.errors import ConfigError


def test_two_of_step_noise_and_temperature_fix_the_third():
    defaults = {"default_step_size": 2.0, "default_temperature": 0.5}
    assert resolve_chain(1, None, None, None, **defaults).temperature == pytest.approx(0.5)
    assert resolve_chain(1, 3.0, None, 0.1, **defaults).temperature == pytest.approx(0.1)
    assert resolve_chain(1, None, 0.2, 0.1, **defaults).step_size == pytest.approx(0.2)
    assert resolve_chain(1, None, 0.2, None, **defaults).step_size == 2.0
    with pytest.raises(ConfigError, match="two of"):
        resolve_chain(1, 1.0, 1.0, 1.0, **defaults)


def test_the_chain_follows_from_energy_and_dimensions_by_equipartition():
    chain = ChainParameters().chain(0.3, d=40, bottleneck=8)
    assert chain.step_size == 1.0
    assert chain.temperature == pytest.approx(2 * 0.3 / 32)
    assert (chain.steps, chain.metropolis, chain.sphere) == (20, True, False)
    given = ChainParameters(step_size=2.0, noise=0.4, metropolis=False, annealing=True)
    chain = given.chain(0.3, d=40, bottleneck=8)
    assert (chain.step_size, chain.noise) == (2.0, 0.4)
    assert (chain.metropolis, chain.annealing) == (False, True)


def test_the_latent_chain_has_the_temperature_of_the_energy_on_its_own_scale():
    chain = ChainParameters(latent_noise=0.1, latent_steps=7).latent_chain(0.3, scale=5.0)
    assert chain.noise == pytest.approx(0.5)
    assert chain.temperature == pytest.approx(0.3)
    assert (chain.steps, chain.sphere) == (7, False)
    on_sphere = ChainParameters(initialisation="on_manifold", latent_step_size=0.02)
    chain = on_sphere.latent_chain(0.3, scale=1.0)
    assert (chain.step_size, chain.sphere) == (0.02, True)
    assert not ChainParameters(initialisation="on_manifold", latent="free").spherical
    assert ChainParameters(latent="sphere").spherical
