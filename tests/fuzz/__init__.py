"""The compiled rooms against the plain ones: ``python -m tests.fuzz``."""
