"""A pipeline with the runner that its options name; on this machine with as many of Beam's workers as it is to have."""

from __future__ import annotations

import shlex
import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

LOCAL = "FnApiRunner"


def pipeline(options: PipelineOptions) -> beam.Pipeline:
    """A pipeline to fill and run.

    The local runner's mode ``multi_processing`` would start Beam's worker by an unquoted path; with an environment of
    its own it starts ``worker.py`` by a quoted one, as many as there are to be.
    """
    if options.view_as(StandardOptions).runner != LOCAL or options.view_as(DirectOptions).direct_num_workers == 1:
        return beam.Pipeline(options=options)
    command = shlex.join([sys.executable, "-m", "beam_jobs.worker"])
    environment = SubprocessSDKEnvironment.from_command_string(command)
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment), options=options)
