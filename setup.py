"""Packages and pins of dcgan_mri; `make setup` installs them in the order that works (see README)."""

from setuptools import setup

setup(
    name="dcgan_mri",
    version="0.1.0",
    description="A DCGAN in Chainer that learns axial T2-FLAIR brain slices, trained with ChainerMN",
    license="MIT",
    python_requires=">=3.10",
    packages=[
        "dcgan_mri",
        "dcgan_mri.archive",
        "dcgan_mri.dicom",
        "dcgan_mri.distributed",
        "dcgan_mri.extensions",
        "dcgan_mri.kernels",
        "dcgan_mri.metrics",
        "dcgan_mri.package",
        "dcgan_mri.package.shipped",
        "dcgan_mri.reader_study",
        "dcgan_mri.review",
        "dcgan_mri.run",
        "preprocess",
    ],
    package_data={
        "dcgan_mri.reader_study": ["*.html"],
        "dcgan_mri.review": ["*.html", "*.css", "*.js"],
    },
    install_requires=[
        "chainer==7.8.1",
        "jinja2>=3.1",
        "matplotlib>=3.8",
        "mpi4py>=4,<5",
        "nibabel>=5.2",
        "numba>=0.61",
        "numpy>=2.0,<3",
        "pillow>=10.1",
        "pydantic>=2.7,<3",
        "pyyaml>=6",
        "scikit-image>=0.24",
        "scipy>=1.13",
        "threadpoolctl>=3.5",
        "tqdm>=4.66",
    ],
    extras_require={
        "archive": ["pydicom>=3.0.1,<4", "requests>=2.31"],
        "dicom": ["pydicom>=3.0.1,<4"],
        # Clusters bring their own MPI: leave this one out there.
        "mpi": ["mpich>=5,<6"],
        # For drivers of CUDA 12, and of CUDA 13: one of the two. Later frontends of cuDNN require more than is needed.
        "gpu": ["cupy-cuda12x[ctk]>=14,<15", "nvidia-cudnn-cu12>=9,<10", "nvidia-cudnn-frontend==1.18.0",
                "nvidia-nccl-cu12"],
        "gpu13": ["cupy-cuda13x[ctk]>=14,<15", "nvidia-cudnn-cu13>=9,<10", "nvidia-cudnn-frontend==1.18.0",
                  "nvidia-nccl-cu13"],
        # What compiles kernels and makes plans without a GPU.
        "test-gpu": ["nvidia-cuda-nvrtc-cu12>=12.8,<13", "nvidia-cudnn-cu12>=9,<10", "nvidia-cudnn-frontend==1.18.0"],
        # Carries out the plan of experiments/; needs Python 3.11.
        "experiments": ["snakemake>=9; python_version >= '3.11'"],
        "package": ["onnx>=1.17"],
        "study": ["statsmodels>=0.14.2"],
        "test": [
            "docutils>=0.20", "hypothesis>=6.100", "onnx>=1.17", "onnxruntime>=1.19", "pydicom>=3.0.1,<4", "pytest>=8",
            "pywavelets>=1.6", "requests>=2.31", "ruff>=0.6", "selenium>=4.20", "statsmodels>=0.14.2",
            "snakemake>=9; python_version >= '3.11'",
            "snakemake-executor-plugin-slurm>=2; python_version >= '3.11'"],
    },
)
