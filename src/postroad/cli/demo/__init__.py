"""What ``postroad demo`` is made of: sample mail, a server that catches it, and a look at what became of it."""
