"""What is told from one string: its digest, a URL's normal form, sentences, the language."""
