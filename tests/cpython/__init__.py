"""CPython's own tests, run with their functions as they are and with their functions converted."""
