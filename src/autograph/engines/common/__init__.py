"""What the engines share: how the state of a region is found, joined over paths, and written back."""
