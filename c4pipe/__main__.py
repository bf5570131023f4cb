"""``python -m c4pipe`` is the ``c4pipe`` command."""

from c4pipe.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
