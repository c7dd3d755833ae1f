"""Figures and tables of the thesis."""
