"""darkclr: from collisions to representations to anomaly scores of jets.

The commands of the command line as functions; the report is ``darkclr.report.report``. Names are
imported when first used, so that what one does not use need not be installed.
"""

from darkclr.lazy_names import lazy_names

__version__ = "0.1.0"

_HOME = {
    "Augmentations": "darkclr.augmentations",
    "EncoderConfig": "darkclr.contrastive.config",
    "EnsembleConfig": "darkclr.studies.config",
    "EvaluationConfig": "darkclr.evaluation",
    "FittedScore": "darkclr.anomaly.fitted",
    "Jets": "darkclr.jets",
    "LossConfig": "darkclr.contrastive.config",
    "Representations": "darkclr.representations",
    "RunConfig": "darkclr.studies.config",
    "SampleConfig": "darkclr.simulation.sample",
    "Split": "darkclr.split",
    "TrainingConfig": "darkclr.contrastive.config",
    "calibrate_model": "darkclr.model",
    "encode": "darkclr.contrastive.encoding",
    "encode_file": "darkclr.contrastive.files",
    "ensemble": "darkclr.studies.ensemble",
    "evaluate": "darkclr.evaluation",
    "fit_score": "darkclr.anomaly.fitting",
    "fit_scores": "darkclr.anomaly.fitting",
    "generate": "darkclr.simulation.sample",
    "load_encoder": "darkclr.contrastive.model_directory",
    "load_scores": "darkclr.anomaly.scoring",
    "read_jets": "darkclr.io",
    "read_representations": "darkclr.io.representations",
    "run": "darkclr.studies.run",
    "score_file": "darkclr.model",
    "score_table": "darkclr.anomaly.scoring",
    "train": "darkclr.contrastive.training.train",
    "train_file": "darkclr.contrastive.files",
    "write_jets": "darkclr.io",
    "write_representations": "darkclr.io.representations",
}

__all__ = ["__version__", *sorted(_HOME)]


__getattr__, __dir__ = lazy_names(__name__, _HOME)
