"""Trainer extensions, one a file. Each runs on rank 0 alone, except `global_mean`."""
