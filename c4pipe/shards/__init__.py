"""The shards of C4: documents, the formats they are written in, and folders of them."""
