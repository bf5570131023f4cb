"""The files of a build: paths, formats, names of columns."""
