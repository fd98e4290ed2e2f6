"""One thread a test process: tests run the same alone and beside other work."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

torch.set_num_threads(1)
