"""Common Crawl: the listing of a crawl, polite fetching, and its progress."""
