"""Measure what a build costs. The scripts here import each other by their bare names."""
