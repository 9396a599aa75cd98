"""Training and evaluation of the recogniser of degradations (`filters.recogniser`)."""
