"""Runs the ARM64 functions, as they would be deployed, under qemu.

Each takes its sample events from a Lambda Runtime API and must answer as tools/qemu-expectations.json says. AWS is a
stand-in that serves the example plans and refuses everything else, so what is shown is that the binaries load, start,
parse plans, sign and send calls, and name their errors.
"""
