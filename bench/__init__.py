"""Measurements against the budgets. Ratios within one run; nothing here can fail a build."""
