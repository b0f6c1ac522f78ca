"""`make faults`: every call of a failover fails in every way, one at a time, in whole runs with the real binaries."""
