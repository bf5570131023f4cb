"""The demo's input: a WET file of English prose that is on every Python machine."""
