"""A small encoder that imitates a trained one: what is lost, and what it costs.

    darkclr ensemble --config quick --encoders 5 --densities 1
    python benchmarks/distill.py runs/quick/encoder-1 runs/quick/samples/qcd.parquet \
        runs/distilled/encoder-1 --n_layers 1
    darkclr ensemble --config quick --encoder.n_layers 1 --encoders 5 --densities 1 \
        --output runs/distilled

The small encoder begins with the embedding, the first blocks and the head of the large one, and
learns z of the large one, each component in units of its spread, on the views that the large one
was trained with, in its own batches, epochs and schedule. No signal and no label takes part. It is
written where `ensemble` expects the encoder of this number, which then fits and scores as always.
Each epoch tells 1 - R² of z over validation jets and over their dropped copies.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from darkclr.augmentations import Augmentations
from darkclr.contrastive.config import EncoderConfig, LossConfig, TrainingConfig
from darkclr.contrastive.encoder.transformer import Encoder
from darkclr.contrastive.encoding import encode_constituents, prepare
from darkclr.contrastive.memory import keep_freed_memory
from darkclr.contrastive.model_directory import (
    begin_model,
    load_encoder,
    save_model,
    training_split,
)
from darkclr.contrastive.pairs import Pairs, pair_views, view_similarities
from darkclr.contrastive.training.batches import Batches, Shuffled, Views
from darkclr.contrastive.training.loop import adam
from darkclr.contrastive.training.prepared import PreparedJets
from darkclr.io import read_jets
from darkclr.io.documents import read_yaml

N_WATCHING = 2000


def smaller(large: Encoder, **changes: int) -> Encoder:
    """An encoder with the weights of the large one as far as it has them."""
    small = Encoder(EncoderConfig(**(vars(large.config) | changes)))
    weights = large.state_dict()
    small.load_state_dict({name: weights[name] for name in small.state_dict()})
    return small


def representations(encoder: Encoder, pairs: Pairs) -> dict[str, NDArray[np.float32]]:
    """z of jets and of their dropped copies."""
    views = {"jets": pairs[0], "copies": pairs[2]}
    return {name: encode_constituents(encoder, view)[1] for name, view in views.items()}


def unexplained(z: NDArray[np.float32], target: NDArray[np.float32]) -> float:
    """1 - R², mean over the components."""
    return float(np.mean(((z - target) ** 2).mean(0) / target.var(0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="with the large encoder")
    parser.add_argument("background", type=Path, help="the jets it was trained on")
    parser.add_argument("output", type=Path, help="directory of the small model")
    parser.add_argument("--n_layers", type=int, default=1)
    options = parser.parse_args()

    keep_freed_memory()
    document = read_yaml(options.model / "encoder" / "config.yaml")
    split, jets = training_split(options.model / "encoder"), read_jets(options.background)
    large, output = load_encoder(options.model / "encoder"), options.output / "encoder"
    augmentations = Augmentations()
    if not 0 < options.n_layers < large.config.n_layers:
        parser.error(f"--n_layers: from 1 to {large.config.n_layers - 1}, the large one has more")
    if document["augmentations"] != augmentations.to_dict():
        parser.error(f"{options.model}: only the paper's augmentations are known here")
    small = smaller(large, n_layers=options.n_layers)
    config, loss = TrainingConfig(**document["training"]), LossConfig(**document["loss"])
    train = PreparedJets.of([jets.part("train", split)], small.config, output)
    watched = jets.part("validation", split)[slice(0, N_WATCHING)].constituents
    pairs = pair_views(prepare(watched, small.config), augmentations, config.seed)
    targets = representations(large, pairs)
    spread = torch.from_numpy(np.concatenate(list(targets.values())).std(0))

    known = ("encoder", "augmentations", "loss", "training", "split", "domain")
    begin_model(
        output,
        {key: document[key] for key in known}
        | {"encoder": document["encoder"] | {"n_layers": options.n_layers}}
        | {"imitates": large.digest()},
        train.fingerprint,
    )
    epoch = 0
    places = Shuffled(len(train), config.batch_size, config.seed, lambda: epoch)
    batches = Batches(Views(train, augmentations, small.config, loss, config.seed), places)
    chosen = adam(small, config, len(places))
    optimiser, schedule = chosen["optimizer"], chosen["lr_scheduler"]["scheduler"]
    for epoch in range(config.epochs):
        start = time.perf_counter()
        small.train()
        for packed, _ in batches:
            with torch.autocast("cpu", torch.bfloat16, config.bfloat16):
                with torch.no_grad():
                    _, target = large(packed)
                _, z = small(packed)
            optimiser.zero_grad()
            (((z.float() - target.float()) / spread) ** 2).mean().backward()
            optimiser.step()
            schedule.step()
        rate = len(places) * config.batch_size / (time.perf_counter() - start)
        now = representations(small, pairs)
        told = ", ".join(f"{unexplained(now[n], targets[n]):.4f} of {n}" for n in targets)
        print(f"epoch {epoch + 1}/{config.epochs}: {told}; {rate:.0f} jets/s", flush=True)
    save_model(output, small.eval(), view_similarities(small, pairs))


if __name__ == "__main__":
    main()
