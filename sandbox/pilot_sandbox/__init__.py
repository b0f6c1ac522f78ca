"""Pilot Light's sandbox: emulated AWS and a real workload on the loopback interface of one machine."""
