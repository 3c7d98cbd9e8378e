"""From annular calcium to masses, their parts and their measures."""
