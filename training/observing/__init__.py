"""What a training step says of itself: losses, which are the same in every run, and times, which are not."""
