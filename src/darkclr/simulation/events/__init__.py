"""Collisions: events of Pythia, of Les Houches files and of HepMC files, in batches."""
