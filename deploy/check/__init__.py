"""`make deploy-check`: looks at deploy/, the Dockerfile and docker-compose.yml without docker or a cluster."""
