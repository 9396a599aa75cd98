"""The doors: the `tarnish` command. Floor 5: parse, call, report."""
