"""Files near and far: where they are, how they are read, written and fetched."""
