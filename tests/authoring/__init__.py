"""Tests of what trainers write and what becomes of it."""
