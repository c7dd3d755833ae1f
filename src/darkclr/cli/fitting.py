"""Anomaly scores as commands: which there are, and fitting them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from darkclr.cli import console
from darkclr.errors import ConfigError, InputError, TrainingError
from darkclr.io.options import ReadOptions
from darkclr.io.representations import read_representations
from darkclr.io.timings import timed
from darkclr.split import Split

__all__ = ["OneScore", "fit", "scores"]


@dataclass(frozen=True)
class OneScore:
    """One score out of all.

    Args:
        name: fit this one only, with its parameters of `scores` if they are there; a combination
            after those of its members that are not fitted yet.
    """

    name: str | None = None


def scores(name: str | None = None, output: Path | None = None) -> None:
    """List all anomaly scores: what each is, what it reads and where it comes from.

    With a name: the parameters of that score, their defaults and what they mean, as `darkclr fit`
    takes them in `--scores '{NAME: {PARAMETER: VALUE}}'`.

    Example: darkclr scores --name nae

    Args:
        name: of a score, or the import path of a detector of scikit-learn or PyOD.
        output: JSON file to write the same to.
    """
    from darkclr.io import atomic_path

    rows = _listed() if name is None else _explained(name)
    if output is not None:
        with atomic_path(output) as temporary:
            temporary.write_text(_json(rows, indent=2) + "\n")


def _json(value: Any, indent: int | None = None) -> str:
    """Also YAML; what is neither number nor text, list nor mapping as its text."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


def _listed() -> list[dict[str, Any]]:
    """All scores, a line each."""
    from darkclr.anomaly.catalogue import SCORES

    rows = [
        {"name": s.name, "reads": s.reads, "what": s.summary, "reference": s.reference}
        for s in SCORES.values()
    ]
    for row in rows:
        console.line(f"{row['name']:<24} {row['what']} [{row['reads']}; {row['reference']}]")
    console.line(
        "and every detector of scikit-learn or PyOD by its import path, "
        "such as sklearn.ensemble.IsolationForest"
    )
    return rows


def _explained(name: str) -> list[dict[str, Any]]:
    """The parameters of a score, a line each."""
    from darkclr.anomaly.catalogue import find_score
    from darkclr.anomaly.parameters import parameters_of

    score = find_score(name)
    rows = [asdict(parameter) for parameter in parameters_of(name)]
    console.line(f"{name}: {score.summary} [{score.reads}; {score.reference}]")
    for row in rows:
        console.line(
            f"  {row['name'] + ': ' + _json(row['default']):<36} {row['summary']}".rstrip()
        )
    if not rows:
        console.line("  it has no parameters")
    return rows


def fit(
    representations: Path,
    model: Path,
    scores: dict[str, dict[str, Any]] | None = None,
    score: OneScore = OneScore(),
    jets: Path | None = None,
    split: Split | None = None,
    seed: int = 0,
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Fit anomaly scores on the training part of background representations.

    `darkclr scores` lists their names; a detector of scikit-learn or PyOD is named by its import
    path. Labels are not read, weights are. A combination is fitted on the validation part, where
    the scores of its members are not biased by their fit. A fit that was interrupted goes on from
    its last epoch.

    Example: darkclr fit representations.parquet runs/mine --scores '{norm: {}, nae: {epochs: 20}}'

    Args:
        representations: Parquet file of `darkclr encode --dropped true` of background jets.
        model: directory; each score is written to its sub-directory `scores/NAME`.
        scores: parameters of each score, by name; those that need no more than representations,
            with their defaults, if not given.
        score: one of them.
        jets: file of the same jets, for scores that read their constituents.
        split: shares of the events (`--split.train` and so on), of which the training part is used;
            those of the encoder's training if not given.
        seed: of all random numbers.
        layout: of the file of jets; recognised from its content if not given.
        options: cuts, label, clustering of the file of jets, as they were for the encoding.
    """
    from darkclr.anomaly.catalogue import create_detector, default_scores, find_score
    from darkclr.anomaly.fitted import FittedScore, fit_digest, fit_score, is_fitted
    from darkclr.anomaly.scoring import load_scores, matching_jets, needs_jets, score_table
    from darkclr.contrastive.model_directory import is_finished, load_encoder, training_split
    from darkclr.io import read_jets
    from darkclr.jets import Jets

    chosen = {name: {} for name in default_scores()} if scores is None else dict(scores)
    if score.name is not None:
        chosen = _one(score.name, scores or {}, model)
    for name, parameters in chosen.items():
        create_detector(name, parameters)
    reads = {name: find_score(name).reads for name in chosen}
    if jets is None and "jets" in reads.values():
        wanting = ", ".join(name for name in reads if reads[name] == "jets")
        raise ConfigError(
            f"{wanting} read the constituents of the jets", fix="give their file with --jets"
        )
    everything = read_representations(representations)
    encoder = load_encoder(model / "encoder") if is_finished(model / "encoder") else None
    if encoder is not None and everything.encoder not in (None, encoder.digest()):
        raise InputError(
            f"representations of another encoder than that of {model}",
            where=representations,
            fix="encode the jets again, or fit into the directory of their encoder",
        )
    split = split or training_split(model / "encoder")
    parts = {part: everything.part(part, split) for part in ("train", "validation")}
    marks = {part: rows.fingerprint() for part, rows in parts.items()}
    part_of = {name: "validation" if reads[name] == "scores" else "train" for name in chosen}
    for name, parameters in list(chosen.items()):
        target, mark = model / "scores" / name, marks[part_of[name]]
        if reads[name] != "scores" and is_fitted(
            target, name, parameters, seed=seed, background=mark
        ):
            console.line(f"fit {name}: done before")
            del chosen[name]
    if not chosen:
        return

    @cache
    def constituents() -> Jets:
        assert jets is not None  # checked above
        return read_jets(jets, layout=layout, options=options)

    failed: dict[str, TrainingError] = {}
    for name, parameters in sorted(chosen.items(), key=lambda item: reads[item[0]] == "scores"):
        target = model / "scores" / name
        detector = create_detector(name, parameters)
        rows, mark = parts[part_of[name]], marks[part_of[name]]
        source: Any = rows
        if reads[name] == "jets":
            source = matching_jets(constituents().part("train", split), rows[~rows.dropped])
        elif reads[name] == "scores":
            names = detector.get_params()["members"]
            if lacking := failed.keys() & set(names):  # the reason is told below
                failed[name] = TrainingError(f"no {', '.join(sorted(lacking))}")
                continue
            members = [s for s in load_scores(model / "scores") if s.name in names]
            fits = {s.name: fit_digest(model / "scores" / s.name) for s in members}
            mark = mark | {"members": fits}
            if is_fitted(target, name, parameters, seed=seed, background=mark):
                console.line(f"fit {name}: done before")
                continue
            with_jets = jets is not None and needs_jets(members)
            source = score_table(
                {"": rows}, members, jets={"": constituents()} if with_jets else None
            )
        epochs = detector.n_epochs
        try:
            with (
                timed(target, "fit"),
                console.bar(f"fit {name}", epochs or 1, "epochs") as advance,
            ):
                fitted: FittedScore = fit_score(
                    name,
                    parameters,
                    source,
                    seed=seed,
                    background=mark,
                    progress=partial(_epoch_done, advance),
                    checkpoint_directory=target,
                )
                if not epochs:
                    advance()
        except TrainingError as error:  # the other scores do not depend on it
            failed[name] = error
        else:
            fitted.save(target)
    console.line(f"scores in {model / 'scores'}")
    if failed:
        first = next(iter(failed.values()))
        raise TrainingError(
            f"{', '.join(failed)} could not be fitted ({first})", where=model / "scores"
        ) from first


def _one(name: str, scores: dict[str, dict[str, Any]], model: Path) -> dict[str, dict[str, Any]]:
    """Parameters of a score, and of the members of a combination that are not fitted yet."""
    from darkclr.anomaly.catalogue import create_detector, find_score

    chosen = {name: scores.get(name, {})}
    if find_score(name).reads == "scores":
        for member in create_detector(name, chosen[name]).get_params()["members"]:
            if not (model / "scores" / member / "model.safetensors").exists():
                chosen[member] = scores.get(member, {})
    return chosen


def _epoch_done(advance: Callable[..., None], row: Mapping[str, Any]) -> None:
    advance(1, str(row.get("stage", "")))
