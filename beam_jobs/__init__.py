"""Runs the builds of c4pipe at scale, on Apache Beam."""
