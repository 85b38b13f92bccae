"""Draws the figures of the course that rest on numbers."""
