"""The command ``export``: a model for programs without darkclr."""

from __future__ import annotations

from pathlib import Path

from darkclr.cli import console

__all__ = ["export"]


def export(model: Path, output: Path, scores: list[str] | None = None) -> None:
    """Write a model as one ONNX file, for onnxruntime in Python, C++ or a trigger.

    Constituents go in, padded with zeros: (jets, constituents, 3) of pT [GeV], eta and phi, any
    number of both. The N_c hardest are taken and centred inside. Out come z, the pooled
    representation and each score. Scores that can be exported: norm, discriminant, autoencoder,
    nae, nae_onmanifold, nae_persistent, nae_thesis, nae_trigger, nae_cms2023, nae_wasserstein,
    knn, mahalanobis, gaussian_mixture, flow, dirichlet_vae, few_constituents, jet_pt, and a
    combination of these.

    Example: darkclr export runs/quick model.onnx

    Args:
        model: Directory with `encoder` and `scores`.
        output: ONNX file to write.
        scores: Names of the scores to write. By default all that are fitted and can be exported.
    """
    from darkclr.export import export as export_model

    done = export_model(model, output, scores)
    if done.left_out:
        console.line(f"not exported, for they read more than ONNX has: {', '.join(done.left_out)}")
    console.line(f"{', '.join(done.outputs)} in {output}")
