"""What the `elearn` command can do, a file for each kind of visitor to the shell."""
