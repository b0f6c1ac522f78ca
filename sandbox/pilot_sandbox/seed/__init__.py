"""The resources of one workload in both emulated Regions, created over the ordinary AWS API; safe to repeat."""
