"""A crawl of Common Crawl: its listing, polite fetching of its files, and the progress of that."""
