"""Trainers' files come in; domain values go out, or every problem at once with its place and what to do.

Knows Markdown, YAML and pictures. Knows nothing of the database, of requests or of officers; fetches nothing from
anywhere and writes no file.
"""
