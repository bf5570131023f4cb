"""From bytes to pages: gzip members, WARC records, WET files."""
