"""The ``c4pipe`` command: a file a sub-command."""
