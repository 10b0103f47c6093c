# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. Every target sets up what it needs, and does nothing twice; alone,
# make shows the help and changes nothing.

IMPL ?= rust
ARCH = x86
SECONDS ?= 20
MINUTES ?= 1
export LINUX_SRC

# As it was typed: make is not to expand the shell's $.
export CMD
override CMD := $(value CMD)

ifneq ($(ARCH),x86)
ifneq ($(filter-out setup kernel vm kunit,$(MAKECMDGOALS)),)
$(error only make kernel, vm and kunit know ARCH)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help setup checkers fetch prepare series series-check kernel vm run kunit selftests \
	ccswap model torture bench fuzz lint test clean distclean

help:		## list the targets
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | expand -t 14
	@echo "Variables: IMPL=rust|c|links|tcp|debug|kcsan|small  CMD='command'"
	@echo "           ARCH=x86|arm64 (make kernel: also riscv|s390)"
	@echo "           SECONDS=n  SUITE=name|all  LINUX_SRC=tree or tarball"

setup:		## install the packages and tools that are missing
	@scripts/setup.sh $(if $(filter arm64,$(ARCH)),--arm64)

fetch: setup	## fetch the kernel source (or take LINUX_SRC=)
	@scripts/fetch.py

prepare: setup	## bring the kernel tree up to date: source, overlay, patches
	@scripts/prepare.py

# As they were typed, and for nobody else: a kernel's Makefile has a VERSION, too.
series: export override FROM := $(value FROM)
series: export override PREFIX := $(value PREFIX)
series:		## write the series as mails (SERIES=name FROM='Name <mail>' VERSION= PREFIX=)
	@scripts/series.py --from "$$FROM" --version "$(or $(VERSION),1)" --prefix "$$PREFIX" $(SERIES)

series-check:	## check every patch by itself (SERIES=name; takes hours at first)
	@scripts/setup.sh --series
	@scripts/series_check.py $(SERIES)

kernel: setup	## build the kernel (IMPL=c: with upstream's C; ARCH=)
	@scripts/build.py --impl $(IMPL) --arch $(ARCH)

vm: setup	## run CMD='...' in the guest, or a shell (IMPL=c ARCH=arm64)
	@scripts/vm.py --impl $(IMPL) --arch $(ARCH) "$$CMD"

run: setup	## boot, swap a live congestion control, roll one out (SECONDS=n)
	@scripts/ccswap.py demo --impl $(IMPL) --seconds $(SECONDS)

kunit: IMPL = debug
kunit: setup	## run the KUnit suites and doctests in a debug kernel (IMPL=small ARCH=arm64)
	@scripts/run_kunit.py --impl $(IMPL) --arch $(ARCH)

selftests: setup	## run the BPF selftests (IMPL=c), or compare suites of upstream's (SUITE=all)
	@$(if $(SUITE),scripts/suites.py $(SUITE),scripts/selftests.py --impl $(IMPL))

ccswap: setup	## build the command line and run its tests
	@scripts/ccswap.py test

model: setup	## explore the registry of congestion controls with loom
	@scripts/programs.py --package model

torture: IMPL = debug
torture: setup	## use links in every way at once, under traffic (MINUTES= SEED= IMPL=kcsan)
	@scripts/torture.py --impl $(IMPL) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

bench: setup	## compare both kernels, to build/bench (takes minutes)
	@scripts/bench.py

fuzz: setup	## compare random calls on both kernels (SEED= SEQUENCES= STEPS= REPLAY=file IMPL=debug)
	@scripts/fuzz.py --impl $(IMPL) $(if $(REPLAY),--replay $(REPLAY)) $(if $(SEED),--seed $(SEED)) \
		$(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(STEPS),--steps $(STEPS))

checkers: setup
	@scripts/setup.sh --checkers

lint: checkers	## run every checker on the project's own files
	@scripts/lint.py

test: checkers	## run all tests, the selftests on both kernels, and lint
	@scripts/test.py

clean:		## delete build/: logs, reports, pictures
	rm -rf build

distclean: clean	## delete the cache too: kernel source, builds, tools
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/struct-ops-links"
