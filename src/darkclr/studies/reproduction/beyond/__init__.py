"""Studies that are in no paper."""
