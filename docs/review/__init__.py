"""How the shipped course was reviewed, and a proof of what is claimed of it."""
