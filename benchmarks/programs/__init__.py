"""The programs that the contestants convert and run: the same text for all that can read it."""
