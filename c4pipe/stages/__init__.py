"""Stages that judge each page alone."""
