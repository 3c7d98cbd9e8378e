"""From measurements to a verdict with its evidence."""
