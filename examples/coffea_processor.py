"""Scores of AK8 jets in NanoAOD with particle-flow candidates (PFNano), in coffea on Dask.

    darkclr export runs/quick model.onnx
    pip install coffea distributed onnxruntime
    python coffea_processor.py model.onnx norm scores.parquet nano_1.root nano_2.root

The cluster is this machine; a `Client` of another one takes its place.
"""

import sys
from functools import cache

import awkward as ak
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from coffea import processor
from coffea.nanoevents import NanoAODSchema
from dask.distributed import Client, LocalCluster


@cache
def session(model):
    """The model, opened once in each process: a session cannot be sent to a worker."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)


def constituents_of(events):
    """pT, eta and phi of the candidates of each jet, three arrays (events, jets, candidates).

    AK8 jets are clustered from candidates that are scaled with their PUPPI weights.
    """
    links = events.FatJetPFCands
    links = links[(links.jetIdx >= 0) & (links.pFCandsIdx >= 0)]
    candidates = events.PFCands[links.pFCandsIdx]
    belongs = ak.local_index(events.FatJet.pt)[:, :, None] == links.jetIdx[:, None, :]
    values = (candidates.pt * candidates.puppiWeight, candidates.eta, candidates.phi)
    return [ak.broadcast_arrays(value[:, None, :], belongs)[0][belongs] for value in values]


def padded(parts):
    """Jets of all events as the model reads them, (jets, candidates, 3), zeros behind."""
    parts = [ak.flatten(part, axis=1) for part in parts]
    longest = max(1, int(ak.max(ak.num(parts[0]), initial=0)))
    filled = [ak.fill_none(ak.pad_none(part, longest, clip=True), 0) for part in parts]
    return np.stack([ak.to_numpy(part).astype(np.float32) for part in filled], axis=-1)


class JetScores(processor.ProcessorABC):
    """One score of the jets in a window of pT, beside what an analysis needs of them."""

    def __init__(self, model, score, pt_range=(150.0, 300.0)):
        self.model, self.score, self.pt_range = model, score, pt_range

    def process(self, events):
        pt = events.FatJet.pt
        chosen = (pt > self.pt_range[0]) & (pt < self.pt_range[1])
        jets = padded([part[chosen] for part in constituents_of(events)])
        score = np.zeros(0, np.float32)
        if len(jets):  # which some versions of onnxruntime insist on
            (score,) = session(self.model).run([self.score], {"constituents": jets})
        event = ak.broadcast_arrays(events.event, pt)[0]
        columns = {"event": event[chosen], "pt": pt[chosen]}
        columns = {name: ak.to_numpy(ak.flatten(values)) for name, values in columns.items()}
        columns[self.score] = score
        return {
            events.metadata["dataset"]: {
                name: processor.column_accumulator(values) for name, values in columns.items()
            }
        }

    def postprocess(self, accumulator):
        return accumulator


def run(model, score, files, client):
    """The columns of :class:`JetScores` of all files."""
    runner = processor.Runner(
        executor=processor.DaskExecutor(client=client),
        schema=NanoAODSchema,
        chunksize=10_000,
    )
    fileset = {"data": {"files": dict.fromkeys(files, "Events")}}
    found = runner(fileset, processor_instance=JetScores(model, score))["data"]
    return {name: column.value for name, column in found.items()}


if __name__ == "__main__":
    model, score, target, *files = sys.argv[1:]
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster) as client:
        columns = run(model, score, files, client)
    pq.write_table(pa.table(columns), target)
    print(f"{len(columns[score])} jets, {score} up to {columns[score].max():.4g}")
