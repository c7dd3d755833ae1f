"""What is done several times over: all steps in order, an ensemble of them, other representations.

A study says how far it is to a :class:`~darkclr.reporter.Reporter`, and prints nothing itself.
"""
