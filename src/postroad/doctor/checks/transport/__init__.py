"""TLS between servers, promised by the domain: MTA-STS, DANE, and reports about both."""
