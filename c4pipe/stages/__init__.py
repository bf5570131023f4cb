"""Stages that judge one page at a time."""
