"""Figures, a file a subject, in one style."""
