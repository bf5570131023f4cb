"""The steps of a build: pure functions, and ``tasks.py``, which reads and writes their files."""
