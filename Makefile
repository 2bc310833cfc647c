# Every command a person or CI runs. Each sets up what it needs, says what it does, and may be run twice.

.DEFAULT_GOAL := help
.PHONY: help demo up down logs services test test-matrix lint bench chaos rolling eval

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the main job from nothing: start everything, send in the photo of a face, show its season
	@scripts/demo.sh

up: ## start the servers and ToneUp (WORKERS=n for more workers), page on http://127.0.0.1:8080/
	@scripts/stack.sh up

down: ## stop ToneUp and its servers; the data stays in .local
	@scripts/stack.sh down
	@scripts/services.sh stop

logs: ## follow the logs of what `make up` started
	@scripts/stack.sh logs

services: ## start only the servers: RabbitMQ, MariaDB, Redis, S3
	@scripts/services.sh start

test: ## all the tests, from nothing
	@scripts/test.sh

bench: ## measure everything in about an hour (SCENARIO=replicas: one), results in docs/performance.md
	@scripts/bench.sh $(SCENARIO)

chaos: ## break everything while 2,000 jobs run, and see that none is lost (SEED=7; about 6 minutes)
	@scripts/chaos.sh --seed $(or $(SEED),7)

rolling: ## replace every process by a newer one under load, and see that no request fails (about 2 minutes)
	@scripts/rolling.sh

test-matrix: ## the Rust tests and a seed of the fault suite on RabbitMQ 4 and MySQL 9.7 (root, mmdebstrap)
	@scripts/test-matrix.sh $(SEED)

eval: ## how stable and how right the seasons are, beside other rules (about 2 minutes)
	@scripts/setup.sh python tools
	@cd analyzer && ../.local/venv/bin/python -m eval

lint: ## formatters and linters of all languages, with warnings denied
	@scripts/lint.sh
