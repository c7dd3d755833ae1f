"""Figures of merit, verdicts, wall-clock, histories and exported models in words."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkclr.anomaly.nae.verdict import Verdict
from darkclr.anomaly.working_points import Calibration, WorkingPoint
from darkclr.errors import InputError, MissingExtraError
from darkclr.evaluation.metrics_file import read_metrics
from darkclr.evaluation.results import FigureOfMerit, Metrics, equal
from darkclr.evaluation.search import Search
from darkclr.inspection.description import Description, shortened
from darkclr.io.documents import read_json
from darkclr.io.timings import TIMINGS

__all__ = ["cut_cells", "describe_document", "last_row"]

_CSV = {
    "history.csv": "epochs of a training",
    "samples.csv": "energies of jets and samples",
    "metrics.csv": "steps of a training, by Lightning",
    "anomalous_jets.csv": "the most anomalous jets by each score",
}


def describe_document(path: Path) -> Description | None:
    """Say what a JSON, CSV or ONNX file is; None if darkclr has not written it.

    Raises:
        InputError: it is broken.
        MissingExtraError: onnx is not installed.
    """
    if path.suffix == ".onnx":
        return _onnx(path)
    if path.suffix == ".csv":
        return _rows(path) if path.name in _CSV else None
    content = read_json(path)
    try:
        if content.get("kind") in ("metrics", "probe"):
            return _metrics(path, read_metrics(path, content["kind"]))
        if content.get("kind") == "working_points":
            return _working_points(path)
        if content.get("kind") == "cuts":
            return _cuts(path, content)
        if content.get("kind") == "search":
            return _search(path, Search.read(path))
        if {"study", "verdict", "claims"} <= content.keys():
            return _study(path, content)
        if {"encoders", "densities", "rows"} <= content.keys():
            return _table(path, content)
        if "energy_difference" in content and "sentence" in content:
            return _verdict(path, content)
        if path.name == TIMINGS:
            return Description(
                f"{path}: wall-clock",
                {name: f"{seconds / 60:.1f} minutes" for name, seconds in content.items()},
            )
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"lacks what darkclr writes ({error!r})", where=path) from error
    return None


def last_row(path: Path) -> dict[str, str]:
    """The last line of a CSV table by column; empty if there is none.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", where=path) from error
    last = rows[-1] if rows else {}
    return {str(name): _rounded(str(value)) for name, value in last.items() if value}


def _rounded(cell: str) -> str:
    try:
        return f"{float(cell):.4g}"
    except ValueError:
        return cell


def _metrics(path: Path, metrics: Metrics) -> Description:
    supervised = metrics.kind == "probe"
    rows = []
    for row in metrics.rows():
        cells = {"signal": metrics.title(row.signal), "score": row.title, "AUC": row.figures["auc"]}
        if row.matched is not None:
            cells[f"at {equal(metrics.matched)}"] = row.matched["auc"]
        rows.append(cells)
    what = "supervised classifiers" if supervised else "anomaly scores"
    counts = metrics.samples.items()
    return Description(
        f"{path}: figures of merit of {what}",
        {
            "jets": ", ".join(f"{n.n_jets} {metrics.title(name)}" for name, n in counts),
            "bootstrap": f"{metrics.config.n_bootstrap} replicas",
            **shortened({"versions": _words(metrics.provenance.versions)}),
        },
        rows,
        ["look only: never choose scores, trainings or representations by these"]
        if supervised
        else [f"darkclr report {path.parent}"],
    )


def _table(path: Path, content: Mapping[str, Any]) -> Description:
    rows = []
    for row in content["rows"]:
        auc = row["natural"]["auc"]
        score = " of ".join(filter(None, (row["title"], row["representation"])))
        figure = str(FigureOfMerit(auc["value"], auc["error"]))
        rows.append({"signal": row["signal"], "score": score, "AUC": figure})
    return Description(
        f"{path}: all scores, {content['encoders']} encoders with {content['densities']} fits each",
        {"samples": ", ".join(content["samples"])},
        rows,
        [f"read {path.with_suffix('.md')}"],
    )


def _verdict(path: Path, content: Mapping[str, Any]) -> Description:
    return Description(
        f"{path}: what became of a normalised autoencoder, judged on background alone",
        {"verdict": Verdict.of(content).sentence(), "epoch": content["epoch"]},
        uses=[f"darkclr info {path.parent}"],
    )


def _working_points(path: Path) -> Description:
    calibration = Calibration.read(path)
    background = calibration.background
    return Description(
        f"{path}: working points of a fitted score, and the p-values of jets",
        {
            "background": f"{background.get('n_jets', '?')} jets of "
            f"{', '.join(background.get('files', ['?']))}, part {background.get('part', '?')}",
            "smallest p-value": f"{calibration.beyond:.2g}",
            "fit": calibration.fit,
        },
        [
            {"background efficiency": f"{point.background_efficiency:g}", **cut_cells(point)}
            for point in calibration.working_points
        ],
        [f"darkclr score JETS {path.parent.parent.parent} scores.parquet"],
    )


def cut_cells(point: WorkingPoint) -> dict[str, str]:
    """A cut, and how much background is above it."""
    if point.cut is None:
        return {"cut": "–", "above it": point.problem or ""}
    share = f"{100 * (point.share or 0):.3g} %, {point.n_above} jets"
    return {"cut": str(point), "above it": share}


def _cuts(path: Path, content: Mapping[str, Any]) -> Description:
    rows = []
    for name, score in content["scores"].items():
        for cut in score["cuts"]:
            point = WorkingPoint(**cut["point"])
            cells = {"score": name, "background efficiency": f"{point.background_efficiency:g}"}
            rows.append(cells | cut_cells(point))
            for signal, efficiency in cut["signal_efficiency"].items():
                rows[-1][signal] = str(FigureOfMerit(**efficiency))
    return Description(f"{path}: cuts on anomaly scores, with signal efficiencies", {}, rows)


def _search(path: Path, found: Search) -> Description:
    rows = [
        {
            "score": score.title,
            "most anomalous": f"{jet.file}, event {jet.event}, jet {jet.rank}",
            "p-value": f"{jet.p_value:.2g}",
        }
        for score in found.scores.values()
        for jet in score.jets[:1]
    ]
    return Description(
        f"{path}: the most anomalous jets of a run without signal",
        {"jets": found.n_jets, "background that p-values are learned on": found.n_calibration},
        rows,
        [f"read {path.with_name('anomalous_jets.csv')}", f"darkclr report {path.parent}"],
    )


def _study(path: Path, content: Mapping[str, Any]) -> Description:
    return Description(
        f"{path}: a table or figure of the papers, made again",
        {"study": content["study"], "verdict": content["verdict"]},
        [{"verdict": each["verdict"], "claim": each["sentence"]} for each in content["claims"]],
        [f"look at {path.with_name('figure.pdf')}"],
    )


def _rows(path: Path) -> Description:
    return Description(
        f"{path}: {_CSV[path.name]}; the last line",
        last_row(path),
        uses=[f"darkclr info {path.parent}"],
    )


def _onnx(path: Path) -> Description:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "export") from error
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf raises whatever it likes
        raise InputError("cannot be read as ONNX", where=path) from error
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    if "darkclr" not in metadata:
        return Description(f"{path}: an ONNX file that darkclr has not written")
    return Description(
        f"{path}: an encoder with its scores as ONNX, for programs without darkclr",
        {
            "input": metadata.get("input", "unknown"),
            "outputs": ", ".join(output.name for output in model.graph.output),
            "encoder": metadata.get("encoder", "unknown"),
            "darkclr": metadata["darkclr"],
            "opset": ", ".join(str(opset.version) for opset in model.opset_import),
        },
        uses=[
            "onnxruntime.InferenceSession(FILE).run(None, {'constituents': jets}), docs/export.md"
        ],
    )


def _words(mapping: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in mapping.items())
