"""Studies by Snakemake: an encoder with its fits and scores a job, then the study. docs/clusters.md.

The results are those that plain `darkclr reproduce` makes.
"""

import shlex

from darkclr.studies.reproduction.catalogue import chosen
from darkclr.studies.reproduction.reproduction import parts
from darkclr.studies.reproduction.scales import SCALES

OUTPUT, SCALE = config["output"], config["scale"]
STUDIES = {study.name: parts(study, SCALES[SCALE]) for study in chosen(config["studies"])}
PARTS = {part: before for of_study in STUDIES.values() for part, before in of_study.items()}
STUDY_OF = {part: name for name, of_study in STUDIES.items() for part in of_study}


def done(part):
    """The file that says that a part is done."""
    return f"{OUTPUT}/done/{part}"


def command(name):
    return f"darkclr reproduce {name} --scale {SCALE} --output {shlex.quote(OUTPUT)}"


wildcard_constraints:
    training="[^/]+",
    encoder="[0-9]+",
    study="[^/]+",


localrules:
    all,


rule all:
    input:
        [f"{OUTPUT}/{name}/result.json" for name in STUDIES],


rule part:
    input:
        lambda wildcards: [done(p) for p in PARTS[f"{wildcards.training}/{wildcards.encoder}"]],
    output:
        touch(OUTPUT + "/done/{training}/{encoder}"),
    params:
        command=lambda wildcards: command(STUDY_OF[f"{wildcards.training}/{wildcards.encoder}"]),
        setup=config.get("setup", ""),
    threads: 4
    resources:
        mem_mb=8000,
        runtime=2880,
        kubernetes_memory_limit="8Gi",
    container:
        config.get("container", None)
    shell:
        "{params.setup}\n"
        "OMP_NUM_THREADS={threads} {params.command} --part {wildcards.training}/{wildcards.encoder}"


rule study:
    input:
        lambda wildcards: [done(part) for part in STUDIES[wildcards.study]],
    output:
        OUTPUT + "/{study}/result.json",
    params:
        command=lambda wildcards: command(wildcards.study),
        setup=config.get("setup", ""),
    threads: 4
    resources:
        mem_mb=8000,
        runtime=240,
        kubernetes_memory_limit="8Gi",
    container:
        config.get("container", None)
    shell:
        "{params.setup}\n"
        "OMP_NUM_THREADS={threads} {params.command}"
