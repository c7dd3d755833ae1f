"""Samples of jets: what to simulate, in shards, on all cores, to be resumed after a stop."""

from darkclr.simulation.sample.generation import counts_of, generate, generate_shard
from darkclr.simulation.sample.sample_config import SampleConfig
from darkclr.simulation.sample.sample_plan import SamplePlan, plan

__all__ = ["SampleConfig", "SamplePlan", "counts_of", "generate", "generate_shard", "plan"]
