"""Functions of one string: digests, normalized URLs, sentences, language."""
