"""Errors of a command, each as one line with the option that named the file."""

from __future__ import annotations

import argparse

from c4pipe.fs.errors import describe, path_of


def error_line(error: BaseException, parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """Return the line for an error: the option that named the file, the file, the reason, the remedy."""
    message = describe(error)
    if not isinstance(error, OSError):
        return message
    path = path_of(error)
    for option, value in _paths_by_option(parser, arguments):
        if path is None:
            named = repr(value) in message
        else:  # the file itself, a folder above it, or a file below it
            named = path == value or value.startswith(f"{path}/") or path.startswith(f"{value}/")
        if named:
            return f"{option} {message}" if path else f"{option}: {message}"
    return message


def _paths_by_option(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Return each option with each text that was given for it; a text with commas counts in parts, too."""
    texts = []
    for action in parser._actions:
        given = getattr(arguments, action.dest, None)
        for value in given if isinstance(given, (list, tuple)) else [given]:
            if action.option_strings and isinstance(value, str) and value != action.default:
                parts = [part.strip().rstrip("/") for part in value.split(",")]
                texts += [(action.option_strings[0], part) for part in dict.fromkeys([value, *parts]) if part]
    return texts
