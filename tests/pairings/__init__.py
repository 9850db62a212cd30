"""postroad's client with servers, and its server with clients, that share no code with it: docs/pairings.md."""
