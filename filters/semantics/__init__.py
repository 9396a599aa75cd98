"""Which degradation a picture shows, as scores and as probabilities."""
