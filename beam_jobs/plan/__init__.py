"""From options to a job: what is built, from what, what is shared, and whether it can be."""
