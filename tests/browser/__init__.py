"""What officers and supervisors meet in a real browser on the shipped server."""
