#!/bin/sh
# All that is to be measured on a GPU, in under ten minutes; what fails or takes too long is left out:
#     PYTHON=.venv/bin/python sh benchmarks/on_gpu.sh | tee on_gpu.txt
cd "$(dirname "$0")/.." || exit
export PYTHONUNBUFFERED=1

within() { # seconds, and what python is to do
    seconds=$1
    shift
    echo "== $*"
    timeout "$seconds" "${PYTHON:-python3}" "$@" || echo "status $?"
}

within 100 -m benchmarks.training --device cuda --precision bf16 --layers 5 --hidden 512 --items 64 --workers 12 --batches 30 --rounds 3
within 100 -m benchmarks.training --device cuda --precision float32 --layers 5 --hidden 512 --items 64 --workers 12 --batches 12 --rounds 2
within 60 -m benchmarks.training --device cuda --precision fp16 --layers 5 --hidden 512 --items 64 --workers 12 --batches 20 --rounds 1
within 40 -m benchmarks.recurrent --device cuda --precision bf16 --cells lstm
within 40 -m benchmarks.recurrent --device cuda --precision float32 --cells lstm
within 60 -m benchmarks.waiting --workers 12 --seconds 15
within 180 -m pytest tests/on_gpu -k real
