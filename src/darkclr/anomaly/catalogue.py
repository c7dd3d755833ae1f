"""The anomaly scores by name: what each reads, computes and cites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser
from numpy.typing import NDArray

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
from darkclr.anomaly.nae.images import ImageNormalizedAutoencoder
from darkclr.anomaly.nae.normalized_autoencoder import NormalizedAutoencoder
from darkclr.anomaly.nae.presets import NORMALIZED_AUTOENCODERS
from darkclr.errors import ConfigError
from darkclr.jet_images import jet_images, smooth_images
from darkclr.parameters import Parameter, parameters_of
from darkclr.substructure import energy_flow_polynomials, observables

__all__ = ["SCORES", "Reads", "Score", "create_detector", "default_scores", "find_score"]

Reads = Literal["representations", "jets", "scores"]


@dataclass(frozen=True)
class Score:
    """An anomaly score that users call by name.

    Args:
        name: in configurations, files and columns.
        title: label in tables and plots.
        detector: class of the estimator.
        features: the columns it reads, (n, d) or (n,), from that which ``reads`` names.
        summary: one sentence for a user.
        reference: paper and equation.
        defaults: constructor arguments by which the entry differs from the class.
        presets: further arguments that it starts from, and that a user may change.
        reads: "representations"; "jets" with their constituents; or "scores", the table of scores
            of the members that the detector names.
        uses_dropped: the fit also sees dropped copies, as y = 1.
        baseline: a yardstick rather than a proposal.
        on_request: left out where a user names no scores: it needs jets, an extra package, or long.
    """

    name: str
    title: str
    detector: type[Detector]
    features: Callable[[Any], NDArray]
    summary: str
    reference: str
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    presets: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    reads: Reads = "representations"
    uses_dropped: bool = False
    baseline: bool = False
    on_request: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a user may set: the detector's parameters that the entry does not fix."""
        if self.detector is External:
            return parameters_of(find_estimator(self.name))
        return tuple(
            replace(parameter, default=self.presets.get(parameter.name, parameter.default))
            for parameter in parameters_of(self.detector)  # type: ignore[arg-type]
            if parameter.name != "seed" and parameter.name not in self.defaults
        )


def _column(name: str) -> Callable[[Any], NDArray]:
    """The array of that name of representations."""
    return lambda representations: getattr(representations, name)


_PAPER = "arXiv:2312.03067"

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        score.name: score
        for score in (
            Score(
                "norm",
                "s_CLR = ‖z‖",
                Norm,
                _column("z"),
                "Norm of the representation: the contrastive training shrinks background.",
                f"{_PAPER} eq. 6",
            ),
            Score(
                "discriminant",
                "discriminant of dropped copies",
                Discriminant,
                _column("pooled"),
                "Linear direction from background jets to their own dropped copies.",
                "Fisher's discriminant on the pooled representation",
                uses_dropped=True,
            ),
            Score(
                "autoencoder",
                "s_AE",
                Autoencoder,
                _column("z"),
                "Reconstruction error of an autoencoder.",
                f"{_PAPER} section 4",
                baseline=True,
            ),
            *(
                Score(
                    preset.name,
                    preset.title,
                    NormalizedAutoencoder,
                    _column("z"),
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
                _column("z"),
                "Distance to the k-th nearest background jet.",
                "Ramaswamy et al., SIGMOD 2000",
            ),
            Score(
                "mahalanobis",
                "Mahalanobis distance",
                Mahalanobis,
                _column("z"),
                "Distance from the mean in units of the covariance, on principal components.",
                "Mahalanobis 1936",
            ),
            Score(
                "gaussian_mixture",
                "Gaussian mixture",
                GaussianMixture,
                _column("z"),
                "Negative log-likelihood of a mixture of Gaussians on principal components.",
                "Dempster, Laird, Rubin 1977 (EM); scikit-learn",
                on_request=True,
            ),
            Score(
                "flow",
                "normalizing flow",
                Flow,
                _column("z"),
                "Negative log-likelihood of a normalizing flow on principal components.",
                "arXiv:1605.08803 (affine couplings); zuko",
                on_request=True,
            ),
            Score(
                "dirichlet_vae",
                "Dirichlet VAE",
                DirichletVAE,
                _column("z"),
                "Loss of a variational autoencoder whose latent space is a simplex.",
                "arXiv:2104.08291",
                defaults={"images": False},
                on_request=True,
            ),
            Score(
                "flow_efp",
                "INN on energy-flow polynomials",
                Flow,
                lambda jets: energy_flow_polynomials(jets.constituents),
                "Negative log-likelihood of a flow on the eight prime EFPs of degree up to 3.",
                'arXiv:2202.00686 ("INN")',
                defaults={"logarithm": True},
                reads="jets",
                on_request=True,
            ),
            Score(
                "flow_observables",
                "flow on high-level observables",
                Flow,
                lambda jets: observables(jets.constituents),
                "Negative log-likelihood of a flow on the eight observables of the CMS NAE.",
                "observables: CMS, EPS-HEP 2023, section 3.2",
                reads="jets",
                on_request=True,
            ),
            Score(
                "dirichlet_vae_images",
                "Dirichlet VAE on jet images",
                DirichletVAE,
                lambda jets: jet_images(jets.constituents),
                "Loss of a Dirichlet variational autoencoder on 40 x 40 jet images.",
                "arXiv:2104.08291",
                defaults={"images": True},
                reads="jets",
                on_request=True,
            ),
            Score(
                "autoencoder_images",
                "AE on jet images",
                ImageAutoencoder,
                lambda jets: smooth_images(jets.constituents),
                "Reconstruction error of a convolutional autoencoder on 40 x 40 jet images.",
                "arXiv:1808.08979; images of arXiv:2206.14225",
                defaults={"rescale": True},
                reads="jets",
                baseline=True,
                on_request=True,
            ),
            Score(
                "nae_images",
                "NAE on jet images",
                ImageNormalizedAutoencoder,
                lambda jets: smooth_images(jets.constituents),
                "Energy of a normalized autoencoder on 40 x 40 jet images, on-manifold chains.",
                "arXiv:2206.14225",
                defaults={"rescale": True, "initialisation": "on_manifold"},
                reads="jets",
                on_request=True,
            ),
            Score(
                "few_constituents",
                "number of constituents",
                Column,
                _column("n_constituents"),
                "Fewer constituents are more anomalous: invisible dark hadrons are missing.",
                f"{_PAPER} section 3.2; yardstick",
                defaults={"sign": -1},
                baseline=True,
            ),
            Score(
                "jet_pt",
                "jet pT",
                Column,
                _column("pt"),
                "Harder jets are more anomalous: the background's spectrum falls steeply.",
                "yardstick",
                defaults={"sign": 1},
                baseline=True,
            ),
            Score(
                "combination",
                "combined p-values",
                Combination,
                lambda columns: columns,
                "Fisher's or Tippett's combination of the p-values of other scores on background.",
                "Fisher 1925; Tippett 1931",
                reads="scores",
                on_request=True,
            ),
        )
    }
)


def default_scores() -> tuple[str, ...]:
    """The scores of a fit in which none is named."""
    return tuple(name for name, score in SCORES.items() if not score.on_request)


def find_score(name: str) -> Score:
    """The entry of a name, or of a detector by its import path (``sklearn.…``, ``pyod.…``).

    Raises:
        ConfigError: neither.
    """
    if name in SCORES:
        return SCORES[name]
    if name.startswith(PACKAGES):
        return Score(
            name,
            name.rpartition(".")[2],
            External,
            _column("z"),
            "A detector of scikit-learn or PyOD, by its import path.",
            name.partition(".")[0],
            defaults={"estimator": name},
        )
    raise ConfigError(
        f"no score {name!r}",
        where="scores",
        fix=f"choose of {list(SCORES)}, or name a class by its path sklearn.… or pyod.…",
    )


def create_detector(name: str, parameters: Mapping[str, Any], *, seed: int = 0) -> Detector:
    """The unfitted estimator of a score.

    Args:
        name: of :data:`SCORES`, or the import path of a detector.
        parameters: constructor arguments that differ from the defaults.
        seed: of the estimators that draw random numbers.

    Raises:
        ConfigError: unknown score or parameter, or a value of the wrong type or out of its range.

    >>> create_detector("nae", {"epochs": 3, "burn_in": 0}).initialisation
    'data'
    """
    score = find_score(name)
    if score.detector is External:
        return External(name, dict(parameters), seed=seed).check()
    allowed = [parameter.name for parameter in score.parameters]
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise ConfigError(
            f"no parameter {', '.join(map(repr, unknown))}",
            where=f"score {name}",
            fix=f"it has {', '.join(allowed) if allowed else 'none'}",
        )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(score.detector)
    try:
        checked = parser.parse_object({**score.presets, **parameters, **score.defaults}).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(reason, where=f"score {name}", fix="correct the value") from error
    if "seed" in checked:
        checked["seed"] = seed
    try:
        return score.detector(**checked).check()
    except ConfigError as error:
        raise ConfigError(str(error), where=f"score {name}") from error
