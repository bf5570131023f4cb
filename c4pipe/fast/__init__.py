"""Compiled twins of plain rooms: the same decisions, some hundred times as fast. ``engine.py`` is the only door."""
