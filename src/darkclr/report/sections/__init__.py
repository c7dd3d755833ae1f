"""The sections of the page: each reads its files from the run directory and draws its pictures.

A picture whose input is missing or broken is left out, and a line says why.
"""
