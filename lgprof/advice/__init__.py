"""What to change in a graph, worked out from a Profile: one module of `kinds` per kind."""
