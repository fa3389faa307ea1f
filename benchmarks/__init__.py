"""What a deploy costs, side by side in one run, as ratios."""
