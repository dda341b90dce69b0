"""The ratios to the peers, with one command: ``python -m benchmarks``."""
