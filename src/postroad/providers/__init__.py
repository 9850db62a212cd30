"""Email APIs: what goes to each of them, what it answers, what it reports later, and its side of it for tests."""
