"""The study of CMS: autoencoders on observables of jets from top pairs, with and without chains."""
