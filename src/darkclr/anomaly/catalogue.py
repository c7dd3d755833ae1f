"""The anomaly scores by name: what each reads, computes and cites."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from darkclr.anomaly.conditioning import CONDITIONS
from darkclr.anomaly.detector import Detector
from darkclr.anomaly.detectors.autoencoder import Autoencoder
from darkclr.anomaly.detectors.combination import Combination
from darkclr.anomaly.detectors.dirichlet import DirichletVAE
from darkclr.anomaly.detectors.discriminant import Discriminant
from darkclr.anomaly.detectors.external import PACKAGES, External, find_estimator
from darkclr.anomaly.detectors.flow import Flow
from darkclr.anomaly.detectors.gaussian import GaussianMixture, Mahalanobis
from darkclr.anomaly.detectors.images import ImageAutoencoder
from darkclr.anomaly.detectors.neighbours import NearestNeighbours
from darkclr.anomaly.detectors.norm import Column, Norm
from darkclr.anomaly.inputs import FEATURES, Reads
from darkclr.anomaly.nae.images import ImageNormalizedAutoencoder
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.nae.presets import (
    CMS_AUTOENCODER,
    CMS_NORMALIZED_AUTOENCODERS,
    NORMALIZED_AUTOENCODERS,
)
from darkclr.anomaly.normal_map import MAPS, MapTo
from darkclr.errors import ConfigError
from darkclr.names import did_you_mean
from darkclr.parameters import Parameter, parameters_of
from darkclr.plugins import find_plugin, installed
from darkclr.substructure import CMS_OBSERVABLES, OBSERVABLES

__all__ = ["SCORES", "Score", "all_scores", "default_scores", "find_score", "is_known"]

#: Entry points by which installed packages add scores.
GROUP = "darkclr.scores"


@dataclass(frozen=True)
class Score:
    """An anomaly score that users call by name.

    Args:
        name: in configurations, files and columns.
        title: label in tables and plots.
        detector: class of the estimator.
        reads: the columns that it reads, see :data:`~darkclr.anomaly.inputs.Reads`; "scores": those
            of the members that the detector names.
        map_to: the distribution that it maps each column to first, on background; None: none.
        summary: one sentence for a user.
        reference: paper and equation.
        defaults: parameters by which the entry differs from the class.
        presets: further arguments that it starts from, and that a user may change.
        reads_only: nothing else than ``reads`` can be read.
        uses_dropped: the fit also sees dropped copies, as y = 1.
        baseline: a yardstick rather than a proposal.
        on_request: left out where a user names no scores: it needs jets, an extra package, or long.
    """

    name: str
    title: str
    detector: type[Detector]
    reads: Reads
    summary: str
    reference: str
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    presets: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    map_to: MapTo | None = None
    reads_only: bool = False
    uses_dropped: bool = False
    baseline: bool = False
    on_request: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The detector's parameters, but for the seed and those that the entry fixes."""
        if self.detector is External:
            return parameters_of(find_estimator(self.name))
        return tuple(
            replace(parameter, default=self.presets.get(parameter.name, parameter.default))
            for parameter in parameters_of(self.detector)
            if parameter.name != "seed" and parameter.name not in self.defaults
        )

    @property
    def options(self) -> tuple[Parameter, ...]:
        """All that a user may set: what the score reads, unless that makes it what it is, first."""
        summary = (
            "What the score is given: it compares a jet with background of equal pT (and mass)."
        )
        given = Parameter("given", None, summary, f"one of {', '.join(CONDITIONS)}, or null")
        if self.reads_only:
            return (given, *self.parameters)
        summary = (
            "What each column is mapped to first, by its quantiles on background; null: it is read "
            "as it is."
        )
        map_to = Parameter("map_to", self.map_to, summary, f"one of {', '.join(MAPS)}, or null")
        wanted = f"one of {', '.join(FEATURES)}, or some of {', '.join(OBSERVABLES)}"
        summary = "What the score reads: a part of the representation, or observables of jets."
        reads = Parameter("reads", self.reads, summary, wanted)
        return (reads, given, map_to, *self.parameters)


_PAPER = "arXiv:2312.03067"

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        score.name: score
        for score in (
            Score(
                "norm",
                "s_CLR = ‖z‖",
                Norm,
                "z",
                "Norm of the representation: the contrastive training shrinks background.",
                f"{_PAPER} eq. 6",
            ),
            Score(
                "discriminant",
                "discriminant of dropped copies",
                Discriminant,
                "pooled",
                "Linear direction from background jets to their own dropped copies.",
                "Fisher's discriminant on the pooled representation",
                uses_dropped=True,
            ),
            Score(
                "autoencoder",
                "s_AE",
                Autoencoder,
                "z",
                "Reconstruction error of an autoencoder.",
                f"{_PAPER} section 4",
                baseline=True,
            ),
            *(
                Score(
                    preset.name,
                    preset.title,
                    NormalizedAutoencoder,
                    "z",
                    preset.summary,
                    preset.reference,
                    defaults=preset.fixed,
                    presets=preset.start,
                    uses_dropped=True,
                    on_request=preset.name not in ("nae", "nae_onmanifold"),
                )
                for preset in NORMALIZED_AUTOENCODERS
            ),
            Score(
                "knn",
                "kNN distance",
                NearestNeighbours,
                "z",
                "Distance to the k-th nearest background jet.",
                "Ramaswamy et al., SIGMOD 2000",
            ),
            Score(
                "mahalanobis",
                "Mahalanobis distance",
                Mahalanobis,
                "z",
                "Distance from the mean in units of the covariance, on principal components.",
                "Mahalanobis 1936",
            ),
            Score(
                "gaussian_mixture",
                "Gaussian mixture",
                GaussianMixture,
                "z",
                "Negative log-likelihood of a mixture of Gaussians on principal components.",
                "Dempster, Laird, Rubin 1977 (EM); scikit-learn",
                on_request=True,
            ),
            Score(
                "flow",
                "normalizing flow",
                Flow,
                "z",
                "Negative log-likelihood of a normalizing flow on principal components.",
                "arXiv:1605.08803 (affine couplings); zuko",
                on_request=True,
            ),
            Score(
                "dirichlet_vae",
                "Dirichlet VAE",
                DirichletVAE,
                "z",
                "Loss of a variational autoencoder whose latent space is a simplex.",
                "arXiv:2104.08291",
                defaults={"images": False},
                on_request=True,
            ),
            Score(
                "flow_efp",
                "INN on energy-flow polynomials",
                Flow,
                "efp",
                "Negative log-likelihood of a flow on the eight prime EFPs of degree up to 3.",
                'arXiv:2202.00686 ("INN")',
                defaults={"logarithm": True},
                on_request=True,
                reads_only=True,
            ),
            Score(
                "flow_observables",
                "flow on high-level observables",
                Flow,
                CMS_OBSERVABLES,
                "Negative log-likelihood of a flow on the eight observables of the CMS NAE.",
                "observables: CMS, EPS-HEP 2023, section 3.2",
                on_request=True,
            ),
            Score(
                "ae_cms",
                "CMS AE",
                Autoencoder,
                CMS_OBSERVABLES,
                "Reconstruction error of the autoencoder of CMS on eight observables.",
                "CMS, EPS-HEP 2023, section 3.2",
                presets=CMS_AUTOENCODER,
                map_to="normal",
                baseline=True,
                on_request=True,
            ),
            *(
                Score(
                    preset.name,
                    preset.title,
                    NormalizedAutoencoder,
                    CMS_OBSERVABLES,
                    preset.summary,
                    preset.reference,
                    defaults=preset.fixed,
                    presets=preset.start,
                    map_to="normal",
                    on_request=True,
                )
                for preset in CMS_NORMALIZED_AUTOENCODERS
            ),
            Score(
                "dirichlet_vae_images",
                "Dirichlet VAE on jet images",
                DirichletVAE,
                "images",
                "Loss of a Dirichlet variational autoencoder on 40 x 40 jet images.",
                "arXiv:2104.08291",
                defaults={"images": True},
                on_request=True,
                reads_only=True,
            ),
            Score(
                "autoencoder_images",
                "AE on jet images",
                ImageAutoencoder,
                "smooth_images",
                "Reconstruction error of a convolutional autoencoder on 40 x 40 jet images.",
                "arXiv:1808.08979; images of arXiv:2206.14225",
                defaults={"rescale": True},
                baseline=True,
                on_request=True,
                reads_only=True,
            ),
            Score(
                "nae_images",
                "NAE on jet images",
                ImageNormalizedAutoencoder,
                "smooth_images",
                "Energy of a normalized autoencoder on 40 x 40 jet images, on-manifold chains.",
                "arXiv:2206.14225",
                defaults={"rescale": True, "initialisation": "on_manifold"},
                on_request=True,
                reads_only=True,
            ),
            Score(
                "few_constituents",
                "number of constituents",
                Column,
                "n_constituents",
                "Fewer constituents are more anomalous: invisible dark hadrons are missing.",
                f"{_PAPER} section 3.2; yardstick",
                defaults={"sign": -1},
                baseline=True,
                reads_only=True,
            ),
            Score(
                "jet_pt",
                "jet pT",
                Column,
                "pt",
                "Harder jets are more anomalous: the background's spectrum falls steeply.",
                "yardstick",
                defaults={"sign": 1},
                baseline=True,
                reads_only=True,
            ),
            Score(
                "combination",
                "combined p-values",
                Combination,
                "scores",
                "Fisher's or Tippett's combination of the p-values of other scores on background.",
                "Fisher 1925; Tippett 1931",
                on_request=True,
                reads_only=True,
            ),
        )
    }
)


def default_scores() -> tuple[str, ...]:
    """The scores of a fit in which none is named."""
    return tuple(name for name, score in SCORES.items() if not score.on_request)


def find_score(name: str, *, plugins: Collection[str] | None = None) -> Score:
    """The entry of a name: of this catalogue, of an installed package, or of an import path.

    Installed packages name theirs by entry points of the group ``darkclr.scores``: a
    :class:`Score`, or a class that derives from :class:`~darkclr.anomaly.Detector`, as an import
    path may. Import paths within scikit-learn and PyOD lead to their detectors.

    Args:
        name: of the entry.
        plugins: import paths of other packages that may be imported, which executes their code.
            None: any, since it is the user who names the score. Who reads a name from a file has to
            say which he trusts.

    Raises:
        ConfigError: there is no such entry.
    """
    if name in SCORES:
        return SCORES[name]
    if name.startswith(PACKAGES):
        return Score(
            name,
            name.rpartition(".")[2],
            External,
            "z",
            "A detector of scikit-learn or PyOD, by its import path.",
            name.partition(".")[0],
            defaults={"estimator": name},
        )
    found = None
    if plugins is None or is_known(name, plugins):
        found = find_plugin(name, object, group=GROUP, where="scores")
    if isinstance(found, Score):
        return replace(found, name=name)
    if isinstance(found, type) and issubclass(found, Detector):
        summary = (found.__doc__ or "").strip().partition("\n")[0]
        return Score(name, name.rpartition(".")[2], found, "z", summary, found.__module__)
    if found is not None:
        raise ConfigError(
            f"{name} is no score",
            where="scores",
            fix="name a class that derives from darkclr.anomaly.Detector",
        )
    names = (*SCORES, *installed(GROUP))
    raise ConfigError(
        f"no score {name!r}",
        where="scores",
        fix=did_you_mean(name, names, f"choose of {', '.join(names)}, or name a class by its path"),
    )


def all_scores() -> tuple[Score, ...]:
    """The entries of this catalogue and those of installed packages."""
    return (*SCORES.values(), *map(find_score, installed(GROUP)))


def is_known(name: str, plugins: Collection[str] = ()) -> bool:
    """Whether a name leads to code of darkclr, of installed packages, or of the plugins alone."""
    return (
        name in SCORES or name.startswith(PACKAGES) or name in installed(GROUP) or name in plugins
    )
