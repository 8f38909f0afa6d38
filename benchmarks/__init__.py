"""`make bench`: what the promises of speed and size are worth, as ratios side by side, measured in one run."""
