"""``c4pipe build``: the same as ``python -m beam_jobs.build_c4``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from beam_jobs import build_c4, options


@dataclass(frozen=True)
class BuildCommand:
    """The command of a build, which hands options that it does not know to Beam."""

    summary: str = options.SUMMARY

    def parser(self, called: str) -> argparse.ArgumentParser:
        """Return the parser of a build's options."""
        return options.parser(called)

    def main(self, argv: Sequence[str], called: str) -> int:
        """Run a build; return its exit code."""
        return build_c4.main(argv, called=called)


command = BuildCommand()
