"""What a build keeps on disk: where, in which files, under which names."""
