"""How steps hand on what they made: through files, or through Beam's shuffle."""
