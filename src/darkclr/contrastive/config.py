"""Parameters of network, loss and training; the defaults are Table 1 of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import get_all_start_methods
from typing import Annotated, Any, Literal

from darkclr.augmentations import Augmentations
from darkclr.devices import DEVICE, PRECISION, Device, Precision, torch_device, use_bfloat16
from darkclr.errors import ConfigError
from darkclr.jets import N_CONSTITUENTS
from darkclr.parameters import (
    DEPTH,
    LATER,
    UNRECORDED,
    WIDTH,
    AtLeast,
    Between,
    Finite,
    Positive,
    check_parameters,
    check_ranges,
)
from darkclr.worker_pool import available_cores

__all__ = ["EncoderConfig", "LossConfig", "TrainingConfig", "check_views", "without_place"]


# A GPU trains on 100 000 jets a second, of which a core makes some 30 000.
_MOST_WORKERS = 8


@dataclass(frozen=True)
class EncoderConfig:
    """Architecture of the encoder; the defaults are Table 1 of the paper."""

    n_constituents: Annotated[int, AtLeast(1)] = N_CONSTITUENTS
    """N_c, the number of hardest constituents that are read."""
    pt_scale: Annotated[float, Positive()] = 300.0
    """Unit of pT in the input [GeV], if that is absolute."""
    embedding_dim: Annotated[int, WIDTH] = 128
    """d_r, the width of the transformer, and of the pooled representation of one block."""
    feedforward_dim: Annotated[int, WIDTH] = 512
    """d_h, the width of the feed-forward layers."""
    output_dim: Annotated[int, WIDTH] = 512
    """d_z, the width of the head and of its output."""
    n_heads: Annotated[int, WIDTH] = 4
    """Number of self-attention heads."""
    n_layers: Annotated[int, DEPTH] = 4
    """Number of transformer blocks."""
    dropout: Annotated[float, Between(0, 1, low_included=True)] = 0.1
    """Dropout rate in the transformer blocks."""
    pt_mask_power: Annotated[float, AtLeast(0)] = 0.0
    """Power a of the continuous mask: a constituent is attended to in proportion to pT^a and enters
    the sum in proportion to its pT, so that it decouples as pT goes to zero (infrared safety; the
    public code of JetCLR has a = 0.5). 0 switches the mask off."""
    pt_input: Annotated[Literal["absolute", "fraction"], LATER] = "absolute"
    """What is read as pT of a constituent: absolute is pT / pt_scale, as in the paper, fraction its
    share of the summed pT of the jet, so that the representation does not depend on the scale of
    jet pT."""
    pooling: Annotated[Literal["last", "all"], LATER] = "last"
    """What the pooled representation is, which scores may read; the head reads the first, whatever
    it is. last is the sum over constituents after the last block, as in the paper; all is the
    sums after every block and the mean after the last, which tell apart what the last sum mixes:
    how many constituents there are and of what kind."""

    @property
    def pooled_dim(self) -> int:
        """Width of the pooled representation."""
        return self.embedding_dim * (self.n_layers + 1 if self.pooling == "all" else 1)

    @property
    def last_sum(self) -> slice:
        """Where in the pooled representation the sum after the last block stands."""
        d = self.embedding_dim
        return slice(-2 * d, -d) if self.pooling == "all" else slice(-d, None)

    def __post_init__(self) -> None:
        check_parameters(self, "encoder")
        if self.embedding_dim % self.n_heads:
            raise ConfigError(
                f"embedding_dim = {self.embedding_dim} is not a multiple of "
                f"n_heads = {self.n_heads}",
                where="encoder",
                fix="change one of them",
            )


@dataclass(frozen=True)
class LossConfig:
    """Contrastive loss; formulas and sources are in :mod:`darkclr.contrastive.losses`."""

    temperature: Annotated[float, Positive()] = 0.1
    """Temperature tau, which divides the similarities."""
    norm_penalty: Annotated[float, Finite()] = 1e-3
    """Weight of the mean norm of the background's representations; the penalty makes anomalies the
    longer vectors (paper section 4)."""
    name: Literal["anomclr_plus", "anomclr", "nt_xent"] = "anomclr_plus"
    """Which loss is taken: anomclr_plus is that of DarkCLR, anomclr has the other jets of
    the batch as negatives, nt_xent (JetCLR) has these alone and no anomalous view."""
    alignment_weight: Annotated[float, AtLeast(0)] = 1.0
    """Weight of the similarity to the physical copy."""
    separation_weight: Annotated[float, AtLeast(0)] = 1.0
    """Weight of the similarity to the anomalous copies."""
    family_weight: Annotated[float, AtLeast(0), LATER] = 1.0
    """Weight of the similarity between anomalous copies of different families, which drives each
    family away in a direction of its own: equal to separation_weight, it treats families among each
    other as jet and family. A single family has no such term."""

    def __post_init__(self) -> None:
        check_parameters(self, "loss")

    @property
    def needs_anomalous(self) -> bool:
        """Whether the loss reads the anomalous view; if not, it need not be encoded."""
        return self.name != "nt_xent"

    @property
    def compares_jets(self) -> bool:
        """Whether the loss of a jet depends on the other jets of the batch."""
        return self.name != "anomclr_plus"


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser and schedule; the defaults are Table 1 of the paper."""

    epochs: Annotated[int, AtLeast(1)] = 150
    """Passes over the training jets."""
    batch_size: Annotated[int, AtLeast(2)] = 256
    """Number of jets in a step; each enters as several views."""
    learning_rate: Annotated[float, Positive()] = 5e-5
    """Learning rate of Adam, or its peak under the schedule one_cycle."""
    schedule: Literal["constant", "one_cycle"] = "constant"
    """How the learning rate moves: one_cycle raises it in the first third of the training and
    lowers it to zero in the rest."""
    betas: Annotated[tuple[float, float], Between(0, 1, low_included=True)] = (0.9, 0.999)
    """Decay rates of Adam's two moving averages."""
    eps: Annotated[float, Positive()] = 1e-4
    """Number that Adam adds to the root of its second moving average."""
    precision: Precision = PRECISION
    """Precision of the matrix products: float32, bfloat16 (autocast), or auto, which is
    bfloat16 where the hardware computes in it."""
    keep: Literal["best", "last"] = "best"
    """Epoch whose weights are kept: best is that of the lowest training loss, as in the public
    code."""
    seed: Annotated[int, AtLeast(0)] = 1
    """Seed of initialisation, order of the jets, augmentations and dropout."""
    device: Device = DEVICE
    """Kind of device that trains; auto is a GPU if there is one."""
    devices: Annotated[int, AtLeast(1)] = 1
    """Processes on a node, each with its own GPU (or share of the cores) and its own part of every
    batch; batch_size remains that of all together."""
    nodes: Annotated[int, AtLeast(1)] = 1
    """Number of machines."""
    strategy: str = "auto"
    """How Lightning joins the processes: auto, ddp, ..."""
    flat_pt: Annotated[bool, LATER] = False
    """Whether jets are weighted to a flat spectrum of jet pT, beside their own weights; no jet
    counts for more than ten times its own weight."""
    workers: Annotated[int | None, AtLeast(0), UNRECORDED] = None
    """Number of processes that make the views ahead of the steps; the views are the same whatever
    it is. If it is not given, none on a CPU, which trains a hundred times slower than one of them
    makes views, and on a GPU one a core but one, eight at most."""
    logger: Annotated[Literal["csv", "tensorboard", "wandb"] | None, UNRECORDED] = None
    """Where the terms of the loss are also written, step by step, for other programs: CSV or
    TensorBoard files in the folder logs beside the encoder's files, or Weights & Biases."""

    def __post_init__(self) -> None:
        check_parameters(self, "training")
        check_ranges(self, "training", {"betas": (len(self.betas) == 2, "two numbers")})
        if self.batch_size % (self.devices * self.nodes):
            raise ConfigError(
                f"batch_size = {self.batch_size} for {self.devices} devices on {self.nodes} nodes",
                where="training",
                fix="make the batch a multiple of their product",
            )

    @property
    def bfloat16(self) -> bool:
        """Whether to compute in bfloat16, decided by what the hardware can do for auto."""
        return use_bfloat16(self.precision, self.device)

    @property
    def view_workers(self) -> int:
        """How many processes make views for one of :attr:`devices`."""
        if self.workers is not None:
            return self.workers
        if torch_device(self.device).type == "cpu" or "fork" not in get_all_start_methods():
            return 0
        return min(max(available_cores() // self.devices - 1, 0), _MOST_WORKERS)


def without_place(options: Any) -> Any:
    """The options of a training that say what it is, and not where it runs.

    >>> without_place({"epochs": 3, "device": "gpu"})
    {'epochs': 3}
    """
    if not isinstance(options, dict):
        return options
    place = ("device", "devices", "nodes", "strategy")
    return {name: value for name, value in options.items() if name not in place}


def check_views(augmentations: Augmentations, loss: LossConfig) -> None:
    """Refuse to push copies away that nothing has altered.

    Raises:
        ConfigError: the loss reads anomalous views, and a family of them has no augmentation.
    """
    families = augmentations.families
    if loss.needs_anomalous and not (families and all(families.values())):
        raise ConfigError(
            f"none, but the loss {loss.name} separates a jet from its anomalous copy",
            where="augmentations.anomalous",
            fix="name one, or take the loss nt_xent",
        )
