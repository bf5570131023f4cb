"""The shards of C4: documents, formats, file names and folders."""
