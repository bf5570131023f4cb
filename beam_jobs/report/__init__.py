"""Statistics, manifest and summary of a build, made from the reports of its steps."""
