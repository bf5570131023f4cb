"""Mutation testing: put small faults into the code, one at a time; each should make a test fail."""
