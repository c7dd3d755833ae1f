"""Parameters with which every score is fitted in a second or less."""

from darkclr.anomaly.nae.presets import CMS_NORMALIZED_AUTOENCODERS, NORMALIZED_AUTOENCODERS

__all__ = ["EPOCHS", "NAMED", "QUICK"]

EPOCHS = 10
SMALL = {"widths": (8,), "bottleneck": 2, "batch_size": 64}
CHAINS = {"epochs": 3, "burn_in": 1, "steps": 5, "latent_steps": 5}
FLOW = {"epochs": EPOCHS, "batch_size": 64, "transforms": 2, "widths": (8,)}
#: Scores under names of a user, on columns of his choice.
NAMED = {
    "masses": {"score": "mahalanobis", "reads": ["mass", "soft_drop_mass", "tau_2"]},
    "flow_pooled": {"score": "flow", "reads": "pooled", "n_components": 4, **FLOW},
    "near_normal": {"score": "knn", "reads": ["mass", "tau_2"], "map_to": "normal"},
    "nearest_mass": {"score": "knn", "reads": "mass", "n_neighbors": 3},
    "factor_pooled": {
        **{"score": "sklearn.neighbors.LocalOutlierFactor", "reads": "pooled"},
        "novelty": True,
    },
}
QUICK = {
    **NAMED,
    "autoencoder": {**SMALL, "epochs": EPOCHS},
    **{
        preset.name: {**SMALL, **CHAINS, "pretraining_epochs": EPOCHS}
        for preset in NORMALIZED_AUTOENCODERS
    },
    "ae_cms": {**SMALL, "epochs": EPOCHS},
    **{
        preset.name: {**SMALL, "epochs": 3, "burn_in": 1, "steps": 5}
        for preset in CMS_NORMALIZED_AUTOENCODERS
    },
    "gaussian_mixture": {"n_mixture": 2, "n_components": 3},
    "flow": {**FLOW, "n_components": 4},
    "dirichlet_vae": {"epochs": EPOCHS, "batch_size": 64, "hidden": 16},
    "flow_efp": FLOW,
    "flow_observables": FLOW,
    "dirichlet_vae_images": {"epochs": EPOCHS, "batch_size": 64, "hidden": 16},
    "autoencoder_images": {"widths": (2, 3, 4), "epochs": EPOCHS, "batch_size": 64},
    "nae_images": {
        **CHAINS,
        **{"widths": (2, 3, 4), "batch_size": 64, "pretraining_epochs": EPOCHS},
    },
    "sklearn.ensemble.IsolationForest": {"n_estimators": 20},
    "sklearn.neighbors.LocalOutlierFactor": {"novelty": True},
}
