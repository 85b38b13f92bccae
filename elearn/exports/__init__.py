"""Document formats: values go out as bytes, and are read back from them.

Imports `domain` and libraries for the formats only: no database, no request, no settings.
"""
