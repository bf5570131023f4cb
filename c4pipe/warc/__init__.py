"""From bytes to records to pages: gzip members, WARC records and WET files."""
