"""The tables, and the promises the database keeps: unique keys, checks, foreign keys.

May import the value types of `domain`; nothing else of ours.
"""
