"""The result of a study as plain data, with where it comes from: ``result.json``."""

from __future__ import annotations

import datetime
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import darkclr
from darkclr.anomaly.definition import define_score
from darkclr.contrastive.config import EncoderConfig, LossConfig
from darkclr.devices import torch_device
from darkclr.evaluation.published import published
from darkclr.studies.config import RunConfig
from darkclr.studies.reproduction.claims import NOT_TESTABLE, Claim, together
from darkclr.studies.reproduction.scales import Scale
from darkclr.studies.reproduction.study import Result, Study
from darkclr.studies.sample_config import Sample

__all__ = ["RESULT", "record"]

#: File of a result in the folder of its study.
RESULT = "result.json"
# Published numbers of autoencoders by score, and which of them decide how well it is normalised.
_AUTOENCODERS = {"nae": "section4_nae", "nae_thesis": "thesis_table5_3"}
_COMPARED = (
    "pretraining_epochs", "epochs", "pretraining_iterations", "iterations",
    "pretraining_batch_size", "batch_size",
    "steps", "latent_steps", "step_size", "latent_step_size", "noise", "latent_noise",
)  # fmt: skip


def record(
    study: Study,
    scale: Scale,
    result: Result,
    seconds: float,
    samples: Mapping[str, Sample] | None = None,
) -> dict[str, Any]:
    """Everything but the figure; ``samples`` are those that are files, by name."""
    own = {name: sample.to_dict() for name, sample in (samples or {}).items()}
    sizes = study.sizes(scale)
    claims = [
        claim if scale.tests_claims else _too_small(claim, f"{scale.name} ({sizes})")
        for claim in result.claims
    ]
    return {
        "study": study.name,
        "title": study.title,
        "source": study.source,
        "scale": scale.name,
        "sizes": sizes,
        "verdict": together(claims),
        "claims": [asdict(claim) for claim in claims],
        "tables": {title: [dict(row) for row in rows] for title, rows in result.tables.items()},
        "numbers": dict(result.numbers),
        "differences": " ".join(
            filter(None, (_differences(study, scale), _of_autoencoders(study, scale)))
        )
        if study.trains
        else "",
        "published": {name: _plain(published()[name]) for name in study.published},
        "remarks": [*result.remarks, *_of_one_training(study, scale)],
        "not_run": list(result.not_run),
        "command": f"darkclr reproduce {study.name} --scale {scale.name}"
        + (" --samples ..." if own else ""),
        "samples": _plain(own),
        "version": darkclr.__version__,
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "hardware": _hardware(),
        "seconds": round(seconds),
    }


def _of_one_training(study: Study, scale: Scale) -> list[str]:
    """What errors do not hold where nothing was trained again with another seed."""
    if not study.trains or all(
        getattr(config, "encoders", 1) > 1 for config in study.trainings(scale).values()
    ):
        return []
    return [
        "Where one encoder was trained, errors of scores hold the spread over ten others, those "
        "of table3 and of the same on another processor (of the thesis's autoencoder, over the "
        "members of table2) in place of their own, "
        "also where the encoder is another one; those of classifiers with labels are of test jets "
        "alone, and other numbers have none."
    ]


def _differences(study: Study, scale: Scale) -> str:
    """In which numbers the trainings differ from the table of the paper, or of the thesis."""
    if study.source.startswith("CMS"):
        return ""
    of_thesis = study.source.startswith("thesis")
    table = published()["thesis_table5_2" if of_thesis else "table1"]
    # The thesis has no norm penalty; the other defaults are those of both.
    loss = LossConfig(norm_penalty=0.0) if of_thesis else LossConfig()
    usual = vars(EncoderConfig()) | vars(loss)
    configs = list(study.trainings(scale).values())

    def differing(config: RunConfig) -> set[str]:
        ours = {**vars(config.encoder), **vars(config.training), **vars(config.loss)}
        ours["n_jets"] = config.n_training_jets
        found = {
            f"{key} {ours[key]:g} ({value:g})"
            for key, value in table["values"].items()
            if key in ours and isinstance(value, int | float) and ours[key] != value
        }
        return found | {
            f"{key} {ours[key]} ({usual[key]})"
            for key in ("pt_input", "pooling", "norm_penalty")
            if ours[key] != usual[key]
        }

    # What is scanned differs between trainings, and stands in the table of the result.
    common = sorted(set.intersection(*map(differing, configs)))
    if not common:
        return ""
    return f"Other than in {table['source']} (in brackets): {', '.join(common)}."


def _of_autoencoders(study: Study, scale: Scale) -> str:
    """In which numbers the normalized autoencoders differ from those of the paper and the thesis.

    What is compared is what the published tables and the score call by the same name.
    """
    sentences = {}
    for config in study.trainings(scale).values():
        for name, options in config.all_scores.items():
            score = define_score(name, options)
            if score.entry.name not in _AUTOENCODERS:
                continue
            table = published()[_AUTOENCODERS[score.entry.name]]
            ours = score.detector().get_params(deep=False)
            rows = config.n_training_jets * (1 - ours["validation_fraction"])
            ours["pretraining_batch_size"] = ours["batch_size"]
            for kind in ("", "pretraining_"):
                iterations = math.ceil(rows / ours["batch_size"])
                ours[f"{kind}iterations"] = iterations * ours[f"{kind}epochs"]
            different = ", ".join(
                f"{key} {ours[key]:g} ({value:g})"
                for key, value in table["values"].items()
                if key in _COMPARED
                and key in ours
                and not math.isclose(ours[key], value, rel_tol=0.01)
            )
            if different:
                sentences[score.entry.name] = (
                    f"{score.entry.title} other than in {table['source']}: {different}."
                )
    return " ".join(sentences.values())


def _too_small(claim: Claim, scale: str) -> Claim:
    reason = f"the scale {scale} only shows that the study works"
    return replace(claim, verdict=NOT_TESTABLE, reason=reason)


def _plain(value: Any) -> Any:
    """With keys that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _commit() -> str | None:
    """Of the checkout that is running; None where it is an installed package."""
    folder = Path(darkclr.__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def _hardware() -> str:
    """Processor, cores, and GPU if there is one."""
    words = [platform.machine(), f"{os.cpu_count()} cores", f"Python {sys.version.split()[0]}"]
    if (device := torch_device("auto")).type != "cpu":
        words.append(str(device))
    return ", ".join(words)
