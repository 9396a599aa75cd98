"""Pure functions image → image with their drawn parameters. Floor 2: imports `schemas` only."""
