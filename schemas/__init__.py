"""Every record that crosses a wall, and the recipe. Floor 1: imports nothing of the house."""
