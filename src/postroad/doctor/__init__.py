"""What stands between a domain's mail and its readers: every check of records, hosts and keys, with its remedy."""
