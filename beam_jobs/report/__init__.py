"""What a build says of itself, from the reports of its steps."""
