"""Statistics of a picture, a file a degradation, and the probabilities that a small model makes of them."""
