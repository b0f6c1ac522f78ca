"""`make faults`: every call of a run fails in every way, one at a time, in whole runs with the real binaries."""
