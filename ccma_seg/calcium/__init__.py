"""From the anatomy to everything that is calcified, sorted by place."""
