"""Directories of runs, models, encoders and fitted scores in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from darkclr.anomaly.catalogue import SCORES
from darkclr.anomaly.fitted import read_fit_config
from darkclr.anomaly.working_points import FILE as WORKING_POINTS
from darkclr.anomaly.working_points import Calibration
from darkclr.contrastive.files import read_encoder_verdict
from darkclr.contrastive.model_directory import load_encoder, model_parts
from darkclr.errors import InputError
from darkclr.inspection.description import Description, shortened
from darkclr.inspection.documents import cut_cells, describe_document, last_row
from darkclr.io.documents import read_yaml
from darkclr.io.timings import read_timings

__all__ = ["describe_directory", "describe_part"]

_WEIGHTS, _CONFIG = "model.safetensors", "config.yaml"

# What lies in the directories, by name or by suffix, and how far below at most.
_PARTS = {
    "scores": "the fitted scores",
    "representations": "the representations",
    "plots": "the pictures",
    "checkpoints": "the checkpoints",
    "logs": "the logs",
    ".yaml": "the configuration",
    ".safetensors": "the weights",
    ".ckpt": "a checkpoint, from which the training goes on,",
    ".html": "the page",
    ".md": "the table",
    ".png": "a picture",
    ".pdf": "a picture",
}
_DEPTH = 2


def describe_directory(path: Path) -> Description | None:
    """Say what a directory is; None if it is none of darkclr's.

    Raises:
        InputError: something in it is broken.
    """
    content = _config(path)
    if "samples" in content:
        return _run(path, content)
    if "score" in content:
        return _score(path)
    if "encoder" in content:
        labelled = "training" in content and "loss" not in content
        return _classifier(path, content) if labelled else _encoder(path, content)
    if (path / "encoder" / _CONFIG).is_file() or _score_folders(path):
        return _model(path)
    return None


def describe_part(path: Path) -> Description | None:
    """Say of which directory of darkclr's a file or folder is a part; None if of none.

    Raises:
        InputError: something in that directory is broken.
    """
    what = _PARTS.get(path.name if path.is_dir() else path.suffix)
    for folder in path.parents[:_DEPTH] if what else ():
        if found := describe_directory(folder):
            return replace(found, what=f"{path}: {what} of {found.what}")
    return None


def _run(path: Path, config: Mapping[str, Any]) -> Description:
    repeated = (path / "encoder-1").is_dir()
    what = "an ensemble of runs" if repeated else "a run"
    training = config.get("training") or {}
    samples = config["samples"]
    if not isinstance(samples, dict):
        raise InputError("its samples are no mapping", where=path / _CONFIG)
    there = {name: (path / "samples" / f"{name}.parquet").exists() for name in samples}
    timings = read_timings(path)
    facts: dict[str, object] = {
        "samples": ", ".join(
            f"{(sample or {}).get('n_jets', '?')} {name}{'' if there[name] else ' (not there yet)'}"
            for name, sample in samples.items()
        ),
        "training": f"{training.get('epochs', '?')} epochs, seed {training.get('seed', '?')}, "
        + ("see encoder-1, encoder-2, ..." if repeated else _state(path / "encoder")),
        "scores": ", ".join(config.get("scores") or {}),
        "figures of merit": ", ".join(_present(path, "metrics.json", "table.json")) or "not yet",
        "pages": ", ".join(_present(path, "report.html", "table.md")) or "not yet",
        "minutes": ", ".join(f"{name} {s / 60:.1f}" for name, s in timings.items()) or "unknown",
    }
    command = "ensemble" if repeated else "run"
    uses = [f"darkclr {command} --config {path / _CONFIG} --output {path}, which goes on"]
    if not repeated:
        uses += [f"darkclr score JETS {path} scores.parquet", f"darkclr report {path}"]
    elif models := sorted(path.glob("encoder-*/density-*")):
        uses.append(
            f"darkclr score JETS {models[0]} scores.parquet, with one of {len(models)} models"
        )
    found = _present(path, "metrics.json", "table.json")
    figures = describe_document(path / found[0]) if found else None
    return Description(f"{path}: {what}", facts, figures.rows if figures else (), uses)


def _model(path: Path) -> Description:
    own = path / "encoder"
    encoder = own if own.is_dir() else model_parts(path).encoder
    facts = (
        dict(_encoder(encoder, _config(encoder)).facts)
        if (encoder / _CONFIG).is_file()
        else {"encoder": "none"}
    )
    rows = []
    for folder in _score_folders(path):
        described = _score(folder).facts
        columns = ("reads", "given", "rows of the fit")
        row = {"score": folder.name} | {name: described[name] for name in columns}
        calibration = _calibration(folder)
        for point in () if calibration is None else calibration.working_points:
            row[f"cut at {point.background_efficiency:g}"] = cut_cells(point)["cut"]
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name, "–") for name in names} for row in rows]
    fits = sorted(folder.parent for folder in path.glob("density-*/scores"))  # of an ensemble
    what, model = "a model, an encoder and the scores that were fitted on", path
    if fits and not rows:
        there = ", ".join(folder.name for folder in fits)
        what, model = f"an encoder, with the scores in {there} that were fitted on", fits[0]
    return Description(
        f"{path}: {what} its representations",
        facts,
        rows,
        [f"darkclr score JETS {model} scores.parquet", f"darkclr export {model} model.onnx"],
    )


def _encoder(path: Path, config: Mapping[str, Any]) -> Description:
    loss, training = config.get("loss") or {}, config.get("training") or {}
    jets = config.get("training_jets") or {}
    facts = {
        "architecture": _words(config["encoder"]),
        "trained on": f"{jets.get('n', '?')} jets ({jets.get('sha256', '?')})",
        "loss": _words(loss) or "unknown",
        "training": _words(training) or "unknown",
        "last epoch": _words(last_row(path / "history.csv")) or "none yet",
        "state": _state(path),
    }
    if (path / _WEIGHTS).is_file():
        facts["encoder"] = load_encoder(path).digest()
    facts = shortened(facts)
    if verdict := read_encoder_verdict(path):
        facts["verdict"] = verdict.sentence()
    model = path.parent
    return Description(
        f"{path}: an encoder",
        facts,
        uses=[
            f"darkclr encode JETS {model} representations.parquet --dropped",
            f"darkclr fit representations.parquet {model}",
        ],
    )


def _classifier(path: Path, config: Mapping[str, Any]) -> Description:
    return Description(
        f"{path}: a supervised classifier, the ceiling for anomaly scores",
        shortened({"training": _words(config["training"]), "state": _state(path)}),
    )


def _score(path: Path) -> Description:
    document = read_fit_config(path)
    entry = SCORES.get(document["score"])
    background = document.get("background") or {}
    reads = document.get("reads") or (entry.reads if entry else "?")
    facts: dict[str, object] = {
        "score": entry.title if entry else document["score"],
        "summary": f"{entry.summary} [{entry.reference}]" if entry else "not one of darkclr's",
        "reads": reads if isinstance(reads, str) else ", ".join(reads),
        "mapped to": document.get("map_to", entry.map_to if entry else None) or "-",
        "given": document.get("given") or "-",
        "parameters": _words(document["parameters"]),
        "rows of the fit": background.get("n", "?"),
        "encoder": background.get("encoder") or "unknown",
        "state": _state(path),
    }
    if (path / "verdict.json").is_file() and (found := describe_document(path / "verdict.json")):
        facts["verdict"] = found.facts["verdict"]
    model = path.parent.parent
    calibration = _calibration(path)
    facts["working points"] = (
        "none: `darkclr workingpoints` makes them"
        if calibration is None
        else f"on {calibration.background.get('n_jets', '?')} background jets"
    )
    return Description(
        f"{path}: a fitted anomaly score",
        facts | shortened({"parameters": facts["parameters"]}),
        []
        if calibration is None
        else [
            {"background efficiency": f"{point.background_efficiency:g}", **cut_cells(point)}
            for point in calibration.working_points
        ],
        uses=[f"darkclr score JETS {model} scores.parquet"],
    )


def _calibration(path: Path) -> Calibration | None:
    """The working points in the directory of a score, if there are any.

    Raises:
        InputError: they are damaged.
    """
    return Calibration.read(path / WORKING_POINTS) if (path / WORKING_POINTS).exists() else None


def _config(path: Path) -> dict[str, Any]:
    """The configuration of a directory; empty if there is none.

    Raises:
        InputError: it is broken.
    """
    return read_yaml(path / _CONFIG) if (path / _CONFIG).exists() else {}


def _state(path: Path) -> str:
    """Whether it is finished, and how many numbers it has learned."""
    if not path.is_dir():
        return "not begun"
    if not (path / _WEIGHTS).is_file():
        return "not finished; the same command goes on"
    try:
        with safe_open(path / _WEIGHTS, "np") as file:
            sizes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"is broken ({error})", where=path / _WEIGHTS) from error
    total = sum(prod(shape) for shape in sizes)
    return f"finished, {total} numbers"


def _score_folders(path: Path) -> list[Path]:
    return [file.parent for file in sorted(path.glob(f"scores/*/{_CONFIG}"))]


def _present(path: Path, *names: str) -> list[str]:
    return [name for name in names if (path / name).is_file()]


def _words(mapping: Any) -> str:
    """Keys and values in one line."""
    if not isinstance(mapping, dict):
        return str(mapping)
    return ", ".join(f"{name} {value}" for name, value in mapping.items())
