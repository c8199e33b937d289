# make demo   installs what the build needs, builds, and speaks a sample meeting
# make test   installs what the tests need and runs them all
.PHONY: demo build test lint bench-latency bench-silence bench-load bench-text bench-memory bench-follow bench-flood bench-lag bench-understood bench-faults bench-minutes bench-seconds bench-languages clean

demo: build
	@scripts/demo.sh target/release/irc-speak

build:
	@scripts/setup.sh build
	cargo build --release

test:
	@scripts/setup.sh test
	cargo test

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

# BENCH passes options to the programs below: make bench-latency BENCH='--lines 48'
bench-latency: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/latency.py $(BENCH)

bench-silence: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/silence.py $(BENCH)

bench-load: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/latency.py --load --server pulseaudio $(BENCH)

bench-text: build
	@scripts/setup.sh bench
	benches/text.sh $(BENCH)

bench-memory: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/memory.py $(BENCH)

bench-faults: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/faults.py $(BENCH)

bench-follow: build
	/usr/bin/python3 benches/follow.py

bench-flood: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/flood.py $(BENCH)

bench-lag: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/lag.py $(BENCH)

bench-understood: build
	@scripts/setup.sh bench
	/usr/bin/python3 benches/understood.py $(BENCH)

# Minutes of a corpus of logs beside those that were published: CORPUS=FOLDER
bench-minutes: build
	benches/minutes.py $(or $(CORPUS),../shared/corpus) $(BENCH)

# Seconds of speech beside the shell pipeline: MEETINGS=FOLDER
bench-seconds: build
	/usr/bin/python3 benches/seconds.py $(or $(MEETINGS),../shared/corpus/meetings) $(BENCH)

bench-languages:
	cargo bench --bench languages

clean:
	cargo clean
