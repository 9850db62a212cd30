"""Mail software of other projects, started by the tests and the bench on loopback addresses and free ports."""
