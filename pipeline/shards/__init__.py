"""Shards: WebDataset tars with a Parquet index, written once and read at random."""
