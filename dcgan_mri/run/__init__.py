"""One run on disk: the result folder, its snapshots and its sample grids. Whoever reads or writes one asks here."""
