"""The checks, one a file, in a folder for each area."""
