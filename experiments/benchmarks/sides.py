"""What is timed side by side, each in a process of its own: requests and answers are lines of JSON.

Only the standard library is used here, since PyTorch's side runs in an environment of its own.
"""

import json
import os
import resource
import subprocess
import sys
import time


def seconds(step):
    """Time one call.

    Args:
        step (callable): Takes nothing.

    Returns:
        float: Wall-clock seconds.
    """
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def peak_memory():
    """The largest resident size of this process so far.

    Returns:
        int: Bytes.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(requests):
    """Answer requests from standard input until it ends; what else the process prints goes to standard error.

    Args:
        requests (dict): Name to function; its keyword arguments and its result are JSON values.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, kwargs = json.loads(line)
        print(json.dumps(requests[name](**kwargs)), file=answers, flush=True)


class Side:
    """A process that answers requests.

    Args:
        command (list of str): Starts it.
        threads (int): Threads that its libraries may use.
    """

    def __init__(self, command, threads):
        limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **limits})

    def ask(self, name, **kwargs):
        """Send a request and wait for its answer.

        Args:
            name (str): What is asked for.
            **kwargs: JSON values.

        Returns:
            object: The answer.

        Raises:
            SystemExit: If the process died; it has said why on standard error.
        """
        self.process.stdin.write(json.dumps([name, kwargs]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{' '.join(self.command)}: ended while it was asked for {name!r}")
        return json.loads(answer)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()
