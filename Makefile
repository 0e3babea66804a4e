# SPDX-License-Identifier: Apache-2.0
# shunt: one Makefile for everything. `make help` lists what it makes; V=1 shows the commands.

VERSION := 0.1.0
PREFIX  ?= /usr/local
BUILD   := build
PYTHON  ?= /usr/bin/python3

CC       := gcc
CLANG    ?= clang
BPFTOOL  ?= bpftool
LIBS     := libbpf libelf zlib libuv libcurl libcares libcjson libmicrohttpd ldns libcrypto expat
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	    $(if $(WERROR),-Werror)
PKGFLAGS  = $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
CPPFLAGS += -D_GNU_SOURCE -DSHUNT_VERSION='"$(VERSION)"' -Iinclude -Iuser -I$(BUILD)/gen
TESTFLAGS := -Itests -Itests/kernel -Itests/bench
ALLFLAGS  = -std=gnu11 $(WARNINGS) $(CPPFLAGS) $(PKGFLAGS) -MMD -MP
LDLIBS    = $(shell pkg-config --libs $(LIBS) 2>/dev/null)
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

ARCH   := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
MULTI  := $(shell $(CC) -print-multiarch 2>/dev/null)
BPFSRC := $(wildcard bpf/*.bpf.c)
SKEL   := $(BPFSRC:bpf/%.bpf.c=$(BUILD)/gen/%.skel.h)

LIBSRC   := $(wildcard $(patsubst %,user/%/*.c,base core helper io kernel sources))
AGENTSRC := $(wildcard user/agent/*.c)
CTLSRC   := $(wildcard user/ctl/*.c)
UNITSRC  := $(wildcard tests/unit/test_*.c)
KERNSRC  := $(wildcard tests/kernel/test_*.c)
TESTBPF  := $(wildcard tests/kernel/*.bpf.c tests/bench/*.bpf.c)
BENCHSRC := $(wildcard tests/bench/bench_*.c)
# What is not a test itself is linked into every one of its ring.
UNITHELP := $(wildcard tests/*.c) $(filter-out $(UNITSRC),$(wildcard tests/unit/*.c))
KERNHELP := $(wildcard tests/*.c) $(filter-out $(KERNSRC) $(TESTBPF),$(wildcard tests/kernel/*.c))
BENCHHELP := $(KERNHELP) $(filter-out $(BENCHSRC) $(TESTBPF),$(wildcard tests/bench/*.c))
HELPSRC  := $(wildcard tests/clients/*.c)
SIMSRC   := $(wildcard tests/simulate/*.c)
FUZZSRC  := $(wildcard tests/fuzz/fuzz_*.c)
# What is fuzzed needs no kernel programs and no libbpf.
FUZZLIB  := $(wildcard user/base/*.c user/core/*.c) user/agent/control.c user/agent/control_socket.c

FUZZING  := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
	    -fprofile-instr-generate -fcoverage-mapping

objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

LIBOBJ   := $(call objects,obj,$(LIBSRC))
SANOBJ   := $(call objects,san,$(LIBSRC) $(filter-out %/main.c,$(AGENTSRC) $(CTLSRC)))
UNITBIN  := $(UNITSRC:tests/unit/%.c=$(BUILD)/unit/%)
KERNBIN  := $(KERNSRC:tests/kernel/%.c=$(BUILD)/kernel/%)
BENCHBIN := $(BENCHSRC:tests/bench/%.c=$(BUILD)/bench/%)
TESTSKEL := $(patsubst %.bpf.c,$(BUILD)/gen/%.skel.h,$(notdir $(TESTBPF)))
HELPBIN  := $(HELPSRC:tests/clients/%.c=$(BUILD)/clients/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps demo simulate test test-unit test-kernel test-kernels test-agent fuzz bench bench-quick lint format install clean

all: $(BUILD)/shuntd $(BUILD)/shuntctl ## build shuntd and shuntctl (the default)

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

deps: ## install what is missing on this machine
	$(Q)scripts/install-deps

# --- programs ---------------------------------------------------------------------------------------

$(BUILD)/shuntd: $(call objects,obj,$(AGENTSRC)) $(BUILD)/libshunt.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/shuntctl: $(call objects,obj,$(CTLSRC)) $(BUILD)/libshunt.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libshunt.a: $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libshunt-san.a: $(SANOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c | $(SKEL)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(ALLFLAGS) -c -o $@ $<

$(BUILD)/san/%.o: %.c | $(SKEL)
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(SANITIZE) $(ALLFLAGS) -c -o $@ $<

# --- kernel programs --------------------------------------------------------------------------------

define compile-bpf
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -O2 -g -Wall -Wextra \
		$(if $(WERROR),-Werror) -Iinclude -Ibpf -isystem /usr/include/$(MULTI) -MMD -MP -c -o $@ $<
	$(Q)llvm-strip -g $@
endef

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(compile-bpf)

$(BUILD)/bpf/%.bpf.o: tests/kernel/%.bpf.c
	$(compile-bpf)

$(BUILD)/bpf/%.bpf.o: tests/bench/%.bpf.c
	$(compile-bpf)

$(BUILD)/gen/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name shunt_$* > $@

# --- tests ------------------------------------------------------------------------------------------

$(BUILD)/obj/tests/% $(BUILD)/san/tests/%: CPPFLAGS += $(TESTFLAGS)
$(call objects,obj,$(KERNSRC) $(KERNHELP) $(BENCHSRC) $(BENCHHELP)): | $(TESTSKEL)

$(BUILD)/unit/%: $(BUILD)/san/tests/unit/%.o $(call objects,san,$(UNITHELP)) $(BUILD)/libshunt-san.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) -lcmocka

$(BUILD)/kernel/%: $(BUILD)/obj/tests/kernel/%.o $(call objects,obj,$(KERNHELP)) $(BUILD)/libshunt.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -lpthread -luring

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call objects,obj,$(BENCHHELP)) $(BUILD)/libshunt.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lpthread

$(BUILD)/simulate: $(call objects,obj,$(SIMSRC)) $(BUILD)/libshunt.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/clients/%: tests/clients/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(ALLFLAGS) -o $@ $< -lpthread

# The seeds of the fuzzers are a test, too.
$(BUILD)/unit/test_fuzz_seeds: $(call objects,san,$(FUZZSRC))

$(BUILD)/fuzz/%.o: %.c
	$(call say,CC-FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZING) $(ALLFLAGS) $(TESTFLAGS) -c -o $@ $<

$(BUILD)/fuzz/fuzz_%.entry.o: tests/fuzz/entry.c
	$(call say,CC-FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZING) -DFUZZ_TARGET=fuzz_$* $(ALLFLAGS) $(TESTFLAGS) -Wno-tautological-pointer-compare -c -o $@ $<

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/fuzz_%.entry.o $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/tests/fuzz/mutate.o $(call objects,fuzz,$(FUZZLIB))
	$(call say,LD,$@)
	$(Q)$(CLANG) $(FUZZING) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

fuzz: deps ## fuzz what reads from outside, ten minutes a target, after finding a bug planted for it
	$(Q)scripts/install-deps fuzz
	$(Q)scripts/fuzz

# As many at once as there are CPUs, unless make was told.
test: deps ## run every test; the last line counts them
	$(Q)$(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc)) \
		all test-programs
	$(Q)scripts/run-tests

.PHONY: test-programs
test-programs: $(UNITBIN) $(KERNBIN) $(HELPBIN) $(BENCHBIN) $(BUILD)/simulate

test-unit: $(UNITBIN) ## the pure ring, under sanitizers
	$(Q)scripts/run-tests unit

test-kernel: all $(KERNBIN) $(HELPBIN) ## the kernel ring (root)
	$(Q)scripts/run-tests kernel

test-kernels: all $(KERNBIN) ## the kernel ring on Linux 5.10, 6.1 and 6.12, in virtual machines
	$(Q)scripts/vm

test-agent: all $(HELPBIN) $(BUILD)/simulate ## the whole programs against imitated Cloud Map and DNS (root)
	$(Q)scripts/run-tests agent

bench: bench-programs ## measure costs beside their alternatives (root)
	$(Q)scripts/bench

bench-quick: bench-programs ## the same with fewer rounds, under a minute (root)
	$(Q)scripts/bench --quick

simulate: $(BUILD)/simulate ## a fleet of 1,000 hosts against the quotas of its account
	$(Q)$(BUILD)/simulate $(SIMULATE)

.PHONY: bench-programs
bench-programs:
	$(Q)scripts/install-deps build test bench
	$(Q)$(MAKE) --no-print-directory all $(BENCHBIN) $(BUILD)/kernel/test_churn

demo: deps ## the main job, live, in network namespaces of its own (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)scripts/demo

lint: ## formatting, static analysis, floors, shell, manuals
	$(Q)scripts/lint

format: ## rewrite the C sources with clang-format
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

install: all ## DESTDIR=, PREFIX=
	install -D -m 0755 $(BUILD)/shuntd $(DESTDIR)$(PREFIX)/sbin/shuntd
	install -D -m 0755 $(BUILD)/shuntctl $(DESTDIR)$(PREFIX)/bin/shuntctl
	install -D -m 0644 docs/shuntd.8 $(DESTDIR)$(PREFIX)/share/man/man8/shuntd.8
	install -D -m 0644 docs/shuntctl.8 $(DESTDIR)$(PREFIX)/share/man/man8/shuntctl.8
	install -D -m 0644 docs/shunt.json.5 $(DESTDIR)$(PREFIX)/share/man/man5/shunt.json.5
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' scripts/deploy/shuntd.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/shuntd.service

clean: ## remove build/
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
