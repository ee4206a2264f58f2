#!/bin/sh
# Takes from installed packages what no server runs: prune.sh FOLDER. What they are, and their licences, stays.
set -eu
# Tests, headers and static libraries, and torch's own programs: but the one without which it isn't imported.
find "$1" -type d -name '*.dist-info' -prune -o -type d \( -name tests -o -name include -o -path '*/torch/test' \) -prune -exec rm -rf {} +
find "$1" -type f \( -name '*.a' -o -path '*/torch/bin/*' ! -name torch_shm_manager \) -delete
# OpenVINO runs on the CPU here, and what it runs was torch's.
for plugin in intel_gpu_plugin intel_npu_plugin; do
  find "$1" -path "*/openvino/libs/libopenvino_$plugin.so" -delete
done
find "$1" -path '*/openvino/libs/cache.json' -delete
for format in gguf jax onnx paddle tensorflow tensorflow_lite; do
  find "$1" -path "*/openvino/libs/libopenvino_${format}_frontend.so*" -delete
done
