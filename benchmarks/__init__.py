"""What a build costs, measured: scripts, which import each other by their bare names."""
