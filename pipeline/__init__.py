"""Sources, plan, stages, engines, shards, ledger. Floor 3."""
