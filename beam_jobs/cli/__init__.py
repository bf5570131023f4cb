"""Sub-commands of ``c4pipe`` that need a build: a file each, registered in ``pyproject.toml``."""
