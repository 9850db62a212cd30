"""The command line: what a person or a script types. Everything it does is done by the parts below."""
