"""Where the clean reference of a real photograph comes from."""
