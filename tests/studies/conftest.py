from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import toy_jets

from darkclr.contrastive.config import EncoderConfig, TrainingConfig
from darkclr.evaluation import EvaluationConfig
from darkclr.io import write_jets
from darkclr.simulation.sample import SampleConfig
from darkclr.split import Split


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Sections of a study of seconds."""
    return {
        "samples": {"qcd": SampleConfig(n_jets=240), "aachen": SampleConfig(process="aachen")},
        "split": Split(0.5, 0.2, 0.3),
        "encoder": EncoderConfig(
            embedding_dim=8, feedforward_dim=12, output_dim=6, n_heads=2, n_layers=1, dropout=0.0
        ),
        "training": TrainingConfig(epochs=2, batch_size=16, learning_rate=1e-3, device="cpu"),
        "evaluation": EvaluationConfig(signal_efficiencies=(0.3, 0.5), n_bootstrap=20),
    }


def draw(sample: SampleConfig, path: Path, **_: Any) -> None:
    """Toy jets in place of a simulation; what is there stays."""
    if not path.exists():
        signal = sample.process != "qcd"
        jets = toy_jets(
            150 if signal else 240,
            seed={"qcd": 0, "aachen": 1}.get(sample.process, 2),
            mean=14 if signal else 24,
        )
        pdg = np.random.default_rng(7).choice([21, 21, 1, 0], len(jets)).astype(np.int32)
        label = np.full(len(jets), signal, np.int8)
        write_jets(replace(jets, label=label, truth={"parton_pdg": pdg}), path)


@pytest.fixture(scope="module", autouse=True)
def _no_simulation():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("darkclr.studies.run.generate", draw)
        yield
