"""Python in, Python out: the source-to-source half of AutoGraph. Nothing in here knows an engine."""
