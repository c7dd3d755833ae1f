"""Every table and figure of the papers by name, each with a verdict: ``darkclr reproduce``.

A study is a file with one :class:`~darkclr.studies.reproduction.study.Study`:

- ``name``, ``title`` (one sentence), ``source`` and ``needs`` (in words);
- ``trainings(scale)``: the configurations that it needs, by name. They are run, and resumed, by
  :class:`~darkclr.studies.ensemble.Ensemble` or :class:`~darkclr.studies.run.Run` in
  ``OUTPUT/trainings/NAME``; studies that name the same training share it, so one name means one
  configuration at each scale. A study without trainings returns an empty mapping;
- ``measure(material)``: what is read off the finished trainings, as a
  :class:`~darkclr.studies.reproduction.study.Result`: tables, numbers, a figure, and claims made by
  :func:`~darkclr.studies.reproduction.claims.compare` or ``untestable``;
- ``jobs(scale, cores)``: what ``measure`` itself takes, if that is more than a minute.

A scale (``smoke``, ``laptop``, ``paper``) is a set of numbers, see
:mod:`~darkclr.studies.reproduction.scales`; at ``smoke`` no claim is testable, and the command says
so by itself. A new study is a file and a line in
:mod:`~darkclr.studies.reproduction.catalogue`; published numbers of it belong into
``validation/published.yaml``.
"""
