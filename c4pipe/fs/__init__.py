"""Files, local and remote: paths, globs, reading, atomic writing and download."""
