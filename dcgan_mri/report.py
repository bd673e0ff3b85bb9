"""The former name of `python -m dcgan_mri.review`."""

import sys

from dcgan_mri.review.__main__ import main

if __name__ == "__main__":
    print("dcgan_mri.report is now called dcgan_mri.review", file=sys.stderr, flush=True)
    main()
