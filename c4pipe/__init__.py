"""Builds C4, the Colossal Clean Crawled Corpus, page by page."""
