"""Stages that judge a page by all the others, and how its rivals are told."""
