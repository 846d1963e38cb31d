"""From scans' bytes to outcomes: the trained network's bundle, its engines, and what their numbers mean."""
