"""What draws the figures of the course from the numbers of its lessons."""
