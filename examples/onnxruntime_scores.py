"""Scores of jets with an exported model: needs no darkclr and no torch.

darkclr export runs/quick model.onnx
pip install onnxruntime pyarrow
python onnxruntime_scores.py model.onnx jets.parquet scores.parquet
"""

import sys

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 256


def score(session, lengths, constituents):
    """All outputs of the model by name, one row a jet.

    lengths: (n_jets,) numbers of constituents;
    constituents: (n_constituents, 3) pT [GeV], eta and phi of all jets, one after the other.
    """
    names = [output.name for output in session.get_outputs()]
    first = np.cumsum(lengths) - lengths
    order = np.argsort(lengths)  # jets of similar length: little padding
    parts = []
    for start in range(0, len(order), BATCH):
        jets = order[start : start + BATCH]
        padded = np.zeros((len(jets), lengths[jets].max(), 3), dtype=np.float32)
        there = np.arange(padded.shape[1]) < lengths[jets, None]
        padded[there] = np.concatenate(
            [constituents[first[j] : first[j] + lengths[j]] for j in jets]
        )
        parts.append(session.run(names, {"constituents": padded}))
    back = np.argsort(order)
    return {
        name: np.concatenate(p)[back]
        for name, p in zip(names, zip(*parts, strict=True), strict=True)
    }


def main(model, source, target):
    """Read jets, write z and all scores."""
    table = pq.read_table(source)
    columns = [table[f"constituent_{name}"].combine_chunks() for name in ("pt", "eta", "phi")]
    lengths = columns[0].value_lengths().to_numpy()
    constituents = np.stack([column.flatten().to_numpy() for column in columns], axis=1)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options)
    outputs = score(session, lengths, constituents)

    kept = {name: values for name, values in outputs.items() if values.ndim == 1}
    kept["z"] = list(outputs["z"])
    pq.write_table(pa.table(kept), target)
    print(f"{len(lengths)} jets, {', '.join(outputs)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
