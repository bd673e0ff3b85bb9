"""Has cuDNN make a plan for each shape of a step, with the properties of a GPU that is not there; prints what fails.

Started by test_plans.py in a process of its own, which finds a stub in place of the driver's library.
"""

import json
import math
import sys

import cudnn

from dcgan_mri import config as settings
from dcgan_mri.kernels.convolution_cuda import PRECISIONS, Plan
from dcgan_mri.networks import discriminator_rows, generator_rows, output_shape

COMMON = {"maxBlockSize": [1024, 1024, 64], "maxGridSize": [2**31 - 1, 65535, 65535], "cudaDeviceId": 0,
          "isTccDriver": 0, "pciDeviceId": 0, "regsPerBlock": 65536, "supportCoopLaunch": 1, "warpSize": 32,
          "driverVer": 12080, "maxThreadsPerBlock": 1024, "maxSharedMemoryPerBlock": 49152,
          "oversizedSharedMemoryPerBlock": 0, "maxRegistersPerSM": 65536}
# From NVIDIA's data sheets: the paper's card, and a data centre's.
GPUS = {
    "sm_75": {"deviceName": "NVIDIA GeForce RTX 2070", "deviceVer": 750, "multiProcessorCount": 36,
              "maxThreadsPerSM": 1024, "maxSharedMemoryPerBlockOptin": 65536, "reservedSharedMemoryPerBlock": 0,
              "l2CacheSize": 4 << 20, "memClockRateKHz": 7001000, "smClockRateKHz": 1620000, "maxCtasPerSM": 16,
              "memoryBusWidth": 256, "totalGlobalMem": 8 << 30},
    "sm_90": {"deviceName": "NVIDIA H100", "deviceVer": 900, "multiProcessorCount": 132, "maxThreadsPerSM": 2048,
              "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024, "l2CacheSize": 50 << 20,
              "memClockRateKHz": 2619000, "smClockRateKHz": 1980000, "maxCtasPerSM": 32, "memoryBusWidth": 5120,
              "totalGlobalMem": 80 << 30}}


def shapes(config):
    """Kind, both inputs' shapes, the output's, stride and pad of each product in a step.

    Args:
        config (dcgan_mri.config.Config): The settings.

    Returns:
        set of tuple: As `Plan` takes them.
    """
    found = set()
    n = config.batchsize
    for rows, shape in ((generator_rows(config), (config.n_z, 1, 1)), (discriminator_rows(config), (3, 256, 256))):
        for row in rows:
            out = output_shape(row, shape)
            if row.kind == "upconv":
                shape = (shape[0], 2 * shape[1], 2 * shape[2])
            if row.kind == "linear":
                x, y = (n, math.prod(shape), 1, 1), (n, math.prod(out), 1, 1)
            else:
                x, y = (n, *shape), (n, *out)
            if row.kind == "deconv":  # a convolution from its output to its input
                x, y = y, x
            weights = (y[1], x[1], max(row.kernel, 1), max(row.kernel, 1))
            geometry = (max(row.stride, 1), row.pad)
            found |= {("fprop", x, weights, y, *geometry), ("dgrad", y, weights, x, *geometry),
                      ("wgrad", x, y, weights, *geometry)}
            shape = out
    return found


def main():
    """Make all plans of a preset for a GPU."""
    gpu, preset = sys.argv[1:]
    place = {"device_property": cudnn.create_device_properties(json.dumps({**COMMON, **GPUS[gpu]}))}
    todo = sorted(shapes(settings.build(preset)))
    failed = []
    for precision in PRECISIONS:
        for one in todo:
            try:
                Plan(*one, precision, False, place)
            except Exception as error:
                failed.append(f"{precision} {one}: {error}")
    print(json.dumps({"plans": len(todo) * len(PRECISIONS), "failed": failed}))


if __name__ == "__main__":
    main()
