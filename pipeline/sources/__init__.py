"""Sources: what can be listed as uris and read back by uri."""
