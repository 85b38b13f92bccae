"""The rules of learning, marking, completion and certification, as plain values.

Imports the standard library only: no database, no web, no files, no clock.
"""
