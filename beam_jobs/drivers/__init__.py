"""What runs the steps of a build, here or on a cluster, and tells how far it is."""
