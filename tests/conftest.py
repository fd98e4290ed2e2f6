"""One thread a test process: tests run the same alone and beside other work."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

torch.set_num_threads(1)
# A shell starts what runs in its background deaf to Ctrl-C, and that is handed on to processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
