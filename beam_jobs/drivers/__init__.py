"""Runs the steps of a build, on this machine or on a cluster, and shows its progress."""
