"""The ceiling: classifiers that are shown the signal."""
