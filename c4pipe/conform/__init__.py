"""Compare two corpora by document, rule, counter and option."""
