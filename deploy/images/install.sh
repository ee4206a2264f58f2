#!/bin/sh
# Runs pip's install for a stage of the Dockerfile, with the caller's own pip settings and certificates if they are mounted.
set -eu
if [ -s /run/secrets/pip_config ]; then export PIP_CONFIG_FILE=/run/secrets/pip_config; fi
if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
exec /opt/build/bin/python -m pip "$@"
