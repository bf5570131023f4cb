"""Explain one page: find it, take it through a variant, render the account."""
