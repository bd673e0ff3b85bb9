"""All that knows of ranks: communicator, device, batch normalisation, batches, threads, failure.

The rest of the package works on one process's share and is handed what it needs from here.
"""
