"""The input of the demo: a WET file of English prose that comes with Python."""
