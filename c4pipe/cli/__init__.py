"""The ``c4pipe`` command: a room a sub-command."""
