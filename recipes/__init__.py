"""Recipe scripts: prepare a corpus, train on it, evaluate."""

import os

# Before torch is imported: OpenMP's threads wait for work by spinning, which starves all else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
