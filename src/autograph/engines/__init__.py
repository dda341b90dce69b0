"""What builds and runs graphs. Nothing in here knows Python syntax; an engine's framework loads with its engine."""
