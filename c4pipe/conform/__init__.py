"""Two corpora compared: by document, rule, counter and option."""
