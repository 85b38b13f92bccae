"""What is told about the project, and what makes its pictures."""
