"""The options of a build that go to Beam, and those that the build sets for Beam."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from beam_jobs.options import FN_API_RUNNERS

STRICT_RUNNERS = (*FN_API_RUNNERS, "DataflowRunner")  # others learn more options from their job server


class _BeamParser(argparse.ArgumentParser):
    """A parser of Beam's options. Unlike Beam's own, it returns the words that it does not know."""

    def add_value_provider_argument(self, *names: str, **settings: Any) -> None:
        """Add an option that a template gets at its start."""
        self.add_argument(*names, **settings)


def unknown_to_beam(rest: Sequence[str]) -> list[str]:
    """Return the words of a command line that are no options of Beam. Beam itself would ignore them.

    >>> unknown_to_beam(["--project", "my-project", "b.gz", "--shard", "4"])
    ['b.gz', '--shard', '4']
    """
    known = _BeamParser(allow_abbrev=False, add_help=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(known)
    return known.parse_known_args(list(rest))[1]


def require_runner(name: str) -> None:
    """Raise ValueError if Beam has no such runner. Beam would raise it only after the graph is built."""
    try:
        create_runner(name)
    except (ValueError, AttributeError, ModuleNotFoundError) as error:
        known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
        reason = f" ({error})" if "." in name else ""
        raise ValueError(f"--runner is {name!r}{reason}, but must be {known}, or a class as module.Name") from error


def pipeline_options(arguments: argparse.Namespace, rest: Sequence[str], workers: int) -> PipelineOptions:
    """Return the options of Beam: the named runner, and for FnApiRunner the number of workers.

    ``DirectRunner`` means FnApiRunner here. Beam's own looks for Prism, which ignores the number of workers.
    """
    if arguments.runner in STRICT_RUNNERS and (words := unknown_to_beam(rest)):
        raise ValueError(
            f"unknown: {' '.join(words)}; --help lists the options, and a glob is put in quotes so that the shell "
            "leaves it as it is"
        )
    is_fn_api = arguments.runner in FN_API_RUNNERS
    if not is_fn_api:
        require_runner(arguments.runner)
    options = PipelineOptions(list(rest))
    options.view_as(SetupOptions).save_main_session = False  # everything that is pickled lives in a module
    options.view_as(StandardOptions).runner = "FnApiRunner" if is_fn_api else arguments.runner
    if is_fn_api:
        options.view_as(DirectOptions).direct_num_workers = workers
    return options
