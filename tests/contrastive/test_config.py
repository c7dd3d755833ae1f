from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.errors import ConfigError


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": 1},
        *({"learning_rate": value} for value in (0.0, np.nan, np.inf)),
        *({"betas": value} for value in ((1.0, 0.9), (0.9, np.nan), (0.9,))),
        *({"eps": value} for value in (0.0, np.nan)),
        {"seed": -1},
        {"device": "tpu"},
        {"devices": 0},
        {"nodes": 0},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(ConfigError, match=rf"training: {next(iter(changes))} = .*; it must be"):
        TrainingConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding_dim": 10, "n_heads": 4}, "embedding_dim = 10 is not a multiple of n_heads"),
        ({"n_layers": 0}, "n_layers = 0; it must be from 1 to 1000"),
        ({"pt_scale": 0.0}, r"pt_scale = 0\.0; it must be positive"),
        ({"pt_scale": float("nan")}, "pt_scale = nan"),
        ({"pt_mask_power": -0.5}, r"pt_mask_power = -0\.5; it must be at least 0"),
        ({"pt_mask_power": float("nan")}, "pt_mask_power = nan"),
        ({"dropout": 1.0}, r"dropout = 1\.0; it must be at least 0 and less than 1"),
        ({"dropout": float("nan")}, "dropout = nan"),
    ],
)
def test_impossible_architectures_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        EncoderConfig(**changes)


def test_no_heads_is_one_line_too():
    with pytest.raises(ConfigError, match="n_heads = 0"):
        EncoderConfig(n_heads=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0.0}, r"temperature = 0\.0; it must be positive"),
        ({"temperature": float("nan")}, "temperature = nan"),
        ({"norm_penalty": float("nan")}, "norm_penalty = nan; it must be finite"),
        ({"alignment_weight": float("nan")}, "alignment_weight = nan"),
        ({"separation_weight": -1.0}, r"separation_weight = -1\.0; it must be at least 0"),
    ],
)
def test_impossible_losses_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        LossConfig(**changes)


def test_defaults_are_those_of_the_paper():
    assert LossConfig() == LossConfig(temperature=0.1, norm_penalty=1e-3)


def test_configurations_and_augmentations_are_read_without_heavy_libraries():
    """`darkclr train --help` need not wait for torch."""
    program = (
        "import sys, darkclr.augmentations, darkclr.contrastive.config, darkclr.supervised.config\n"
        "print({'torch', 'lightning', 'fastjet', 'sklearn'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"
