from __future__ import annotations

from pathlib import Path

import pytest
from models import write_model
from quick_scores import QUICK

#: One of each kind; all scores are looked at without ONNX.
SCORES = (
    *("norm", "discriminant", "nae", "knn", "mahalanobis", "gaussian_mixture", "flow"),
    *("dirichlet_vae", "few_constituents", "jet_pt", "combination", "flow_efp"),
)
#: Under names of their own.
FURTHER = {
    "knn_pooled": {"score": "knn", "reads": "pooled"},
    "discriminant_at_pt": {"score": "discriminant", "given": "pt"},
    "norm_at_pt_and_mass": {"score": "norm", "given": "pt_mass"},
    "masses": {"score": "mahalanobis", "reads": ["mass"]},
}
LEFT_OUT = ("flow_efp", "masses")


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A model directory with scores that can be exported and one that cannot."""
    for package in ("zuko", "fastjet", "awkward"):
        pytest.importorskip(package)
    scores = {name: QUICK.get(name, {}) for name in SCORES} | FURTHER
    return write_model(tmp_path_factory.mktemp("model"), scores)


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory) -> Path:
    """The model as ONNX; writing it takes seconds."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    from darkclr.export import export

    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert export(model, path).left_out == LEFT_OUT
    return path
