"""Samples of jets: what to simulate, in shards, on all cores, to be resumed after a stop."""

from typing import TYPE_CHECKING

from darkclr.lazy_names import lazy_names

if TYPE_CHECKING:
    from darkclr.simulation.sample.generation import counts_of, generate, generate_shard
    from darkclr.simulation.sample.sample_config import SampleConfig
    from darkclr.simulation.sample.sample_plan import SamplePlan, plan

__all__ = ["SampleConfig", "SamplePlan", "counts_of", "generate", "generate_shard", "plan"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "SampleConfig": "darkclr.simulation.sample.sample_config",
        "SamplePlan": "darkclr.simulation.sample.sample_plan",
        "counts_of": "darkclr.simulation.sample.generation",
        "generate": "darkclr.simulation.sample.generation",
        "generate_shard": "darkclr.simulation.sample.generation",
        "plan": "darkclr.simulation.sample.sample_plan",
    },
)
