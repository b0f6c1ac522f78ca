"""Emulated AWS on loopback: ministack, with the gaps that matter to a failover closed.

`python -m pilot_sandbox.emulator` starts it. Each module here closes one gap by replacing a function of a ministack
service module at start; none of them is imported by the functions or by `template.yaml`, which see only an endpoint.
"""
