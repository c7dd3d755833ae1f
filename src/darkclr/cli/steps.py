"""The steps as commands: the signature is the command line, the docstring the help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from darkclr.augmentations import Augmentations
from darkclr.cli import console
from darkclr.cli.fitting import fit
from darkclr.cli.generating import generate
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.devices import Device, torch_device
from darkclr.evaluation import EvaluationConfig, FigureOfMerit, Metrics
from darkclr.evaluation.results import Row, equal
from darkclr.io.options import ReadOptions
from darkclr.io.representations import holds_representations, iterate_representations
from darkclr.io.sources import sample_name
from darkclr.jets import Jets
from darkclr.split import Split

__all__ = ["encode", "evaluate", "fit", "generate", "report", "score", "train"]

Part = Literal["train", "validation", "test", "all"]


def train(
    jets: Path,
    model: Path,
    split: Split = Split(),
    encoder: EncoderConfig = EncoderConfig(),
    augmentations: Augmentations = Augmentations(),
    loss: LossConfig = LossConfig(),
    training: TrainingConfig = TrainingConfig(),
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Train the encoder on the training part of a file of background jets.

    A jet and its rotated, shifted copy are pulled together, a copy with dropped constituents is
    pushed away. Labels are not read. A checkpoint is written after every epoch; the same command
    goes on from it.

    Example: darkclr train qcd.parquet runs/mine --config configs/quick.yaml

    Args:
        jets: file, directory, glob or URL of background jets, of any layout.
        model: directory; the encoder is written to its sub-directory `encoder`.
        split: shares of the events for training, validation and test.
        encoder: architecture.
        augmentations: what makes the views; to add your own, name its class by import path.
        loss: contrastive loss: AnomCLR+ of the paper, full AnomCLR, or NT-Xent (JetCLR).
        training: optimiser and schedule.
        layout: of the file; recognised from its content if not given.
        options: cuts, label, clustering.
    """
    from darkclr.contrastive.model_directory import is_finished
    from darkclr.contrastive.training.loop import check_machine
    from darkclr.contrastive.training.prepared import PreparedJets
    from darkclr.contrastive.training.train import N_WATCHING
    from darkclr.contrastive.training.train import train as train_encoder
    from darkclr.io import iterate_jets
    from darkclr.io.atomic import no_empty_folders

    def part(name: str) -> Iterator[Jets]:
        for batch in iterate_jets(jets, layout=layout, options=options):
            yield batch.part(name, split)

    if not is_finished(model / "encoder"):
        check_machine(training, loss)
    validation = _first(part("validation"), N_WATCHING)
    with no_empty_folders(model / "encoder"):
        with console.bar("prepare", None, keep=False) as advance:
            background = PreparedJets.of(part("train"), encoder, model / "encoder", advance)
        steps = len(background) // training.batch_size * training.epochs
        with console.bar("train", steps * training.batch_size) as advance:
            train_encoder(
                background,
                model / "encoder",
                validation=validation,
                encoder=encoder,
                augmentations=augmentations,
                loss=loss,
                training=training,
                split=split,
                progress=lambda n, terms: advance(n, _terms_note(terms)),
            )
    console.line(f"encoder in {model / 'encoder'}")


def encode(
    jets: Path,
    model: Path,
    output: Path,
    dropped: bool = False,
    augmentations: Augmentations = Augmentations(),
    seed: int = 0,
    precision: Literal["auto", "float32", "bfloat16"] = "float32",
    device: Device = "auto",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Turn jets into representations, z and the pooled one, as columns of a Parquet file.

    Jets are read and written batch by batch, so there may be more than fit in memory.

    Example: darkclr encode qcd.parquet runs/mine representations.parquet --dropped true

    Args:
        jets: file, directory, glob or URL of jets, of any layout.
        model: directory that `darkclr train` wrote.
        output: Parquet file to write, one row a jet.
        dropped: add a dropped copy of every jet, which `fit` needs for the discriminant.
        augmentations: those that make the dropped copies; the paper's by default.
        seed: of the dropped copies.
        precision: of the matrix products; `auto` takes bfloat16 where the hardware is fast in it.
        device: where to compute; by default on a GPU if there is one.
        layout: of the file; recognised from its content if not given.
        options: cuts, label, clustering.
    """
    from darkclr.contrastive.encoding import encode_stream
    from darkclr.contrastive.model_directory import load_encoder
    from darkclr.io import atomic_path, iterate_jets
    from darkclr.io.parquet import TableWriter
    from darkclr.io.representations import representations_metadata
    from darkclr.io.sources import refuse_own_input

    refuse_own_input(str(jets), output)
    trained = load_encoder(model / "encoder")
    where = torch_device(device)
    partons: bool | None = None  # as the first jets: a file has the same columns throughout
    origins: list[Mapping[str, Any]] = []
    with (
        console.bar(f"encode {sample_name(jets)}", None) as advance,
        atomic_path(output) as temporary,
        closing(TableWriter(temporary)) as writer,
    ):
        for altered in (None, augmentations) if dropped else (None,):
            encoded = encode_stream(
                trained,
                _noting(iterate_jets(jets, layout=layout, options=options), origins),
                dropped=altered,
                seed=seed,
                device=where,
                precision=precision,
                progress=advance,
            )
            for rows, _ in encoded:
                partons = rows.parton_pdg is not None if partons is None else partons
                writer.write(rows.with_partons(partons).to_table())
        provenance = origins[0] if len(origins) == 1 else {"parts": origins}
        writer.finish(representations_metadata(provenance, trained.digest()))
    console.line(f"{writer.n_rows // (1 + dropped)} jets in {output}")


def score(
    jets: Path,
    model: Path,
    output: Path,
    split: Split | None = None,
    part: Part = "all",
    device: Device = "auto",
    layout: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> None:
    """Score jets, or representations, with every fitted score; higher is more anomalous.

    They are read and written batch by batch, so there may be more than fit in memory.

    Example: darkclr score mine.parquet runs/quick scores.parquet

    Args:
        jets: file, directory, glob or URL of jets of any layout, or Parquet of representations.
        model: directory with `encoder` and `scores`.
        output: Parquet file to write: one row a jet with id, label and raw scores.
        split: shares of the events (`--split.train` and so on), for `part`; those of the encoder's
            training if not given.
        part: which part of the events to score.
        device: where to encode; by default on a GPU if there is one.
        layout: of the file; recognised from its content if not given.
        options: cuts, label, clustering.
    """
    from darkclr.anomaly.scoring import load_scores, score_table
    from darkclr.contrastive.encoding import CHUNK, encode_stream
    from darkclr.contrastive.model_directory import load_encoder, training_split
    from darkclr.errors import InputError
    from darkclr.io import atomic_path, iterate_jets
    from darkclr.io.chunks import in_chunks
    from darkclr.io.parquet import TableWriter, read_metadata
    from darkclr.io.sources import refuse_own_input
    from darkclr.representations import Representations

    refuse_own_input(str(jets), output)
    split = split or training_split(model / "encoder")

    def representations() -> Iterator[tuple[Representations, Jets | None]]:
        if holds_representations(jets):
            chosen = (rows.part(part, split) for rows in iterate_representations(jets, CHUNK))
            for rows in in_chunks((rows[~rows.dropped] for rows in chosen), CHUNK):
                yield rows, None
        else:
            trained, where = load_encoder(model / "encoder"), torch_device(device)
            batches = iterate_jets(jets, layout=layout, options=options)
            chosen_jets = (batch.part(part, split) for batch in batches)
            yield from encode_stream(trained, chosen_jets, device=where)

    fitted, name = load_scores(model / "scores"), sample_name(jets)
    metadata: dict[str, Any] = {}
    partons: bool | None = None  # as the first jets: a file has the same columns throughout
    with (
        console.bar(f"score {name}", None) as advance,
        atomic_path(output) as temporary,
        closing(TableWriter(temporary)) as writer,
    ):
        for rows, content in representations():
            there = None if content is None else {name: content}
            partons = rows.parton_pdg is not None if partons is None else partons
            alike = {name: rows.with_partons(partons)}
            table = score_table(alike, fitted, jets=there)
            metadata = metadata or read_metadata(table)
            writer.write(table)
            advance(len(rows))
        if not writer.n_rows:
            raise InputError(f"there are no jets in the part {part!r}", where=jets)
        writer.finish(metadata)
    console.line(f"{writer.n_rows} jets with {len(fitted)} scores in {output}")


def evaluate(
    scores: list[Path], output: Path, evaluation: EvaluationConfig = EvaluationConfig()
) -> None:
    """Measure how well every score tells signal from background, and whether it follows pT.

    Area under the ROC curve, background rejection and significance improvement stand there twice:
    as simulated, and with background weighted to the pT spectrum of each signal, where a score
    gains nothing by following pT. Beside them is how far cuts on the scores change the spectra of
    background. Errors come from a bootstrap over events; weights are honoured. The files hold
    jets of both labels, 0 and 1.

    Example: darkclr evaluate '[qcd_scores.parquet, aachen_scores.parquet]' metrics.json

    Args:
        scores: Parquet files that `darkclr score` wrote, of background and of signal.
        output: JSON file to write the figures of merit to.
        evaluation: what is measured.
    """
    from darkclr.evaluation import evaluate as evaluate_scores
    from darkclr.evaluation import write_metrics
    from darkclr.io.sources import refuse_own_input

    refuse_own_input([str(path) for path in scores], output)
    metrics = evaluate_scores(scores, evaluation)
    write_metrics(metrics, output)
    print_metrics(metrics)
    console.line(f"figures of merit in {output}")


def report(run: Path, augmentations: Augmentations = Augmentations()) -> None:
    """Draw all pictures of a run directory and write one HTML page that opens from disk.

    Example: darkclr report runs/quick

    Args:
        run: directory that `darkclr run` wrote, or one with the same files.
        augmentations: augmentations of the training, for their picture; by default the paper's.
    """
    try:
        from darkclr.report import report as write_report
    except ImportError as error:
        from darkclr.errors import MissingExtraError

        raise MissingExtraError(str(error.name), "report") from error

    console.line(f"report: {write_report(run, augmentations)}")


def print_metrics(metrics: Metrics) -> None:
    """The summary tables of figures of merit, and of what cuts do to the spectra of background."""
    for signal in metrics.signals:
        rows = [row for row in metrics.rows() if row.signal == signal]
        console.table(
            f"{signal} against background, as simulated "
            "(rejection at signal efficiency; * = yardstick)",
            [_cells(row, row.figures) for row in rows],
        )
        if matched := metrics.scores[rows[0].score].signals[signal].matched:
            console.table(
                f"{signal} at {equal(matched.by)}: background weighted to the spectrum of "
                f"{signal}, worth {matched.n_background_effective:.0f} jets",
                [_cells(row, row.matched or {}) for row in rows],
            )
    for quantity in ("pt", "mass"):
        measured = {
            entry.title: entry.sculpting[quantity]
            for entry in metrics.scores.values()
            if entry.sculpting and entry.sculpting.get(quantity)
        }
        cuts = dict.fromkeys(cut for of_score in measured.values() for cut in of_score)
        console.table(
            f"share of background above a cut, by {quantity}: largest deviation from that of all "
            "(a flat score stays below)",
            [
                {"score": title}
                | {
                    cut: f"{found.largest_deviation} ({found.flat:.2f})" if found else "–"
                    for cut in cuts
                    for found in [of_score.get(cut)]
                }
                for title, of_score in measured.items()
            ],
        )
    counts = metrics.samples.items()
    console.line("scored: " + ", ".join(f"{n.n_jets} {name} jets" for name, n in counts))


def _cells(row: Row, figures: Mapping[str, FigureOfMerit]) -> dict[str, str]:
    """A line of a table: a score, its AUC and rejections."""
    cells = {"score": row.title + (" *" if row.baseline else ""), "AUC": str(figures["auc"])}
    for name, number in figures.items():
        if name.startswith("rejection_"):
            cells[name.removeprefix("rejection_")] = str(number)
    return cells


def _terms_note(terms: Mapping[str, float]) -> str:
    """What stands behind the bar of a training; JetCLR has no anomalous view."""
    note = f"loss {terms['loss']:.2f}  alignment {terms['alignment']:.2f}"
    if "anomaly_similarity" in terms:
        note += f"  anomaly {terms['anomaly_similarity']:.2f}"
    return note


def _first(batches: Iterator[Jets], n: int) -> Jets:
    """The first ``n`` jets of a stream, or all."""
    taken: list[Jets] = []
    for batch in batches:
        taken.append(batch)
        if sum(map(len, taken)) >= n:
            break
    return Jets.concatenate(taken)[:n]


def _noting(batches: Iterator[Jets], origins: list[Mapping[str, Any]]) -> Iterator[Jets]:
    """The same batches; each new provenance is added to the list."""
    for batch in batches:
        if batch.provenance not in origins:
            origins.append(batch.provenance)
        yield batch
