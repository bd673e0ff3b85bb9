# Everything by one command each; `make` alone lists them. README.rst explains.

PYTHON   ?= python3
BRATS    ?=
SUBJECTS ?= 001-015
DATA     ?= data/slices
OUT      ?= result
GPUS     := $(shell nvidia-smi -L 2>/dev/null | grep -c '^GPU')
# One process, also where there are several GPUs: the step of a batch of 8 is a CUDA graph of some milliseconds then. More
# ranks do without the graph and add a message for each normalisation; they pay with larger batches.
NP       ?= 1
EPOCHS   ?=
ARGS     ?=
# MPI=system leaves the cluster's own MPI in charge; by default a small one is installed into .venv.
MPI      ?= wheel

BIN      := .venv/bin
STAMP    := .venv/.installed
TESTS    := .venv/.installed-tests
EXTRAS   := $(if $(filter system,$(MPI)),,mpi) $(if $(filter-out 0,$(GPUS)),gpu)
MPIEXEC  := $(if $(filter system,$(MPI)),mpiexec,$(BIN)/mpiexec)
LAUNCH   := $(if $(filter 1,$(NP)),,$(MPIEXEC) -n $(NP)) $(BIN)/python

# PyTorch, which the benchmark compares with, has an environment of its own. TORCH_INDEX=https://download.pytorch.org/whl/cpu
# takes the small build without CUDA, where that index is reached.
BENCH       := .venv-bench
TORCH_INDEX ?=

.PHONY: help setup preprocess train generate archive-demo demo experiments test test-faults bench bench-gpu lint clean

help:
	@echo 'make setup       install everything into .venv'
	@echo 'make preprocess  volumes -> slices in DATA; BRATS=folder of volumes, else the synthetic phantom'
	@echo 'make train       set up, make the data if there is none, train into OUT'
	@echo 'make generate    100 images from OUT/generator.npz into samples'
	@echo 'make archive-demo  100 images from OUT/generator.npz in an Orthanc, to look at in a browser'
	@echo 'make demo        the whole way at 64 pixels with narrow networks: brains in three minutes on 2 cores'
	@echo 'make experiments the paper'\''s claims at small scale on the phantom, and their report: a trial, no verdicts'
	@echo 'make test        lint and the tests, all but test-faults'
	@echo 'make test-faults kill, stop and starve real jobs and see that nothing is lost: some minutes'
	@echo 'make bench       our training step beside those of PyTorch and of Chainer'"'"'s example, on CPU: some minutes'
	@echo 'make bench-gpu   the same on a GPU, after a check of its results against the CPU: five minutes'
	@echo 'make lint        lint only'
	@echo 'make clean       remove the environments and what the tools cached; data and results stay'
	@echo
	@echo 'Variables, with what they are now:'
	@echo '  BRATS=$(BRATS)  SUBJECTS=$(SUBJECTS)  DATA=$(DATA)  OUT=$(OUT)  NP=$(NP) (ranks)'
	@echo '  EPOCHS=$(EPOCHS)  ARGS=$(ARGS) (more options for the program)  PYTHON=$(PYTHON)  MPI=$(MPI) (or system)'

setup: $(STAMP)

$(STAMP): setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit( \
	    "dcgan_mri needs Python 3.10 to 3.13, $(PYTHON) is %d.%d; name another one with PYTHON=" % v)'
	@$(PYTHON) -m venv .venv || \
	    { echo 'make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv'; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'setuptools<81' wheel
	# Chainer's source archive builds only with an older setuptools, hence without build isolation.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e . $(EXTRAS:%=-e '.[%]')
	@touch $@

# What only the tests and the extras need: training goes without.
$(TESTS): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test]'
	@touch $@

preprocess: $(STAMP)
ifeq ($(strip $(BRATS)),)
	@echo 'No BRATS= folder given: the slices are made from the synthetic phantom. Real data: make preprocess BRATS=/path/to/MICCAI_BraTS2020_TrainingData'
	$(BIN)/python -m preprocess phantom --out data/phantom --subjects 15
	$(BIN)/python -m preprocess build --brats data/phantom --out '$(DATA)' --subjects '$(SUBJECTS)' $(ARGS)
else
	$(BIN)/python -m preprocess build --brats '$(BRATS)' --out '$(DATA)' --subjects '$(SUBJECTS)' $(ARGS)
endif

train: $(STAMP)
ifneq ($(strip $(BRATS)),)
	@$(MAKE) --no-print-directory preprocess ARGS=
else
	@test -e '$(DATA)/dataset.json' || $(MAKE) --no-print-directory preprocess ARGS=
endif
ifeq ($(filter-out 0,$(GPUS)),)
	@echo 'No GPU found: on 2 quiet cores brains with tumours can be seen from about the seventh epoch on, in a quarter of an hour.'
	@echo 'All 100 epochs take some hours; stop by Ctrl-C whenever you like. `make demo` shows the way in three minutes.'
endif
	$(LAUNCH) -m dcgan_mri.train -i '$(DATA)' -o '$(OUT)' $(if $(EPOCHS),-e $(EPOCHS)) $(ARGS)

generate: $(STAMP)
	$(LAUNCH) -m dcgan_mri.generate '$(OUT)/generator.npz' -o samples $(ARGS)

# A port beside Orthanc's own 8042, where Debian's service may run. Ctrl-C ends the recipe and its archive.
archive-demo: ARCHIVE := http://127.0.0.1:8043
archive-demo: $(TESTS)
	@command -v Orthanc >/dev/null || \
	    { echo 'make: the archive is an Orthanc; on Debian: apt-get install orthanc orthanc-dicomweb'; exit 1; }
	rm -rf demo/archive
	$(BIN)/python -m dcgan_mri.generate '$(OUT)/generator.npz' -o demo/archive/samples --format png,dicom
	cp dcgan_mri/archive/orthanc.json demo/archive
	@Orthanc demo/archive/orthanc.json >demo/archive/orthanc.log 2>&1 & orthanc=$$!; \
	    trap "kill $$orthanc 2>/dev/null" EXIT; trap exit INT TERM; \
	    until sleep 1; kill -0 $$orthanc 2>/dev/null || { tail -n 3 demo/archive/orthanc.log; exit 1; }; \
	        $(BIN)/python -m dcgan_mri.archive list --url $(ARCHIVE)/dicom-web >/dev/null 2>&1; do :; done; \
	    $(BIN)/python -m dcgan_mri.archive push demo/archive/samples --url $(ARCHIVE)/dicom-web && \
	    echo 'Look at $(ARCHIVE)/app/explorer.html#find-studies; Ctrl-C ends the archive.' && wait $$orthanc

demo: $(STAMP)
	rm -rf demo/slices demo/result
	$(BIN)/python -m preprocess phantom --out demo/phantom --subjects 6
	$(BIN)/python -m preprocess build --brats demo/phantom --out demo/slices --subjects all --size 64
	$(BIN)/python -m dcgan_mri.train -i demo/slices -o demo/result --image-size 64 --width 0.25 -e 20 $(ARGS)
	@echo 'Look at demo/result/index.html. A quarter of the size and a quarter of the widths: it shows the way, not what the paper learns.'

experiments: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[experiments]'
	$(BIN)/python -m experiments run all --scale small $(ARGS)

test: lint
	$(BIN)/python -m pytest $(ARGS)

test-faults: $(TESTS)
	$(BIN)/python -m pytest -m faults $(ARGS)

bench: $(STAMP) $(BENCH)/.installed
	$(BIN)/python experiments/benchmarks/cpu.py --pytorch $(BENCH)/bin/python $(ARGS)

bench-gpu: $(STAMP) $(BENCH)/.installed
	$(BIN)/python experiments/benchmarks/gpu.py --pytorch $(BENCH)/bin/python $(ARGS)

$(BENCH)/.installed:
	@$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check \
	    $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)') torch numpy
	@touch $@

lint: $(TESTS)
	$(BIN)/ruff check .

clean:
	rm -rf .venv $(BENCH) build *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
