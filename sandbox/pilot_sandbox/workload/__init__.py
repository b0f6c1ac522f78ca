"""The workload that the sandbox lets fail and recover: application, databases, load balancers, client."""
