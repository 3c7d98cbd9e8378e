"""Finds, measures and explains calcification of the mitral annulus on cardiac CT."""
