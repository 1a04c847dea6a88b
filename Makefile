# Each target sets itself up; `make setup` alone only prepares .venv.
.PHONY: setup demo test check bench
setup:
	@sh .ci/setup
demo: setup
	@.venv/bin/holdfast demo
test: setup
	@sh .ci/browser
	@sh .ci/testsuite
	@.venv/bin/poe check
	@.venv/bin/poe golden-matrix --quick --any
	@.venv/bin/poe test
check: setup
	@.venv/bin/poe check
bench: setup
	@.venv/bin/poe bench-replay
	@.venv/bin/poe bench-parked
