"""The steps of a build: pure functions, and what they read and write."""
