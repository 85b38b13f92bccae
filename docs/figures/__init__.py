"""What draws the figures of the lessons, from the same numbers as the text."""
