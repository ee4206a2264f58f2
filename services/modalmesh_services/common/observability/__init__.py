"""What a server shows of its calls: metrics, logs, request ids and traces."""
