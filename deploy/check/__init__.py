"""`make deploy-check`: everything under deploy/ and what lies at the top for docker, looked at without docker or a cluster."""
