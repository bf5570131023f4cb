"""The tests; what is imported as tests.support and tests.fuzz."""
