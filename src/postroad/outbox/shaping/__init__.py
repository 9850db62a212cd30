"""How fast, how many at a time: limits by destination, account, source and stream, and what replies change of them."""
