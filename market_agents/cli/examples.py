"""What stands at the end of each verb's ``--help``: commands as they are typed, without the program's name."""

from __future__ import annotations

EXAMPLES = {
    "init": ("init", "init my_experiment"),
    "run": (
        "run",
        "run market.yaml --seed 7 --run-id pilot",
        "run market.yaml --offline --set num_agents=20 --set max_rounds=5",
        "run --environments auction --quiet",
    ),
    "validate": ("validate market.yaml", "validate --set agent_config.strategy=zip"),
    "schema": ("schema > orchestrator_config.schema.json",),
    "plan": ("plan market.yaml", "plan market.yaml --set num_agents=200 --latency 4"),
    "prices": ("prices gpt-4o-mini", "prices --config market.yaml"),
    "resume": ("resume latest", "resume pilot --set budget.max_cost=5"),
    "replay": ("replay pilot",),
    "fork": ("fork pilot --at-round 3 --set memory.enabled=false",),
    "runs": ("runs", "runs show latest", "runs compare pilot treatment", "runs delete pilot"),
    "ui": ("ui", "ui --port 9000 --database results.db"),
    "report": ("report latest", "report pilot --format pdf -o pilot.pdf"),
    "trace": ("trace latest --agent agent_1 --round 1", "trace pilot --agent agent_1 --round 2 --json"),
    "markets": ("markets latest", "markets pilot --json"),
    "conversation": ("conversation latest",),
    "personas": ("personas latest",),
    "prompts": ("prompts", "prompts -o my_prompts", "prompts pilot -o prompts_of_pilot"),
    "digest": ("digest latest",),
    "export": ("export latest -o results", "export pilot --format parquet -o pilot"),
    "lab": (
        "lab --trader zip --institution lob --sessions 10",
        "lab --market B --trader gd --shock 6 50 0 --csv",
    ),
    "verify": ("verify A1", "verify --scale 0.1"),
    "fake-model": ("fake-model", "fake-model --latency-ms 800 --faults 429,hang --fault-share 0.05"),
    "cache": ("cache stats", "cache clear --model gpt-4o-mini"),
    "db": ("db check", "db backup results.backup", "db restore results.backup --database copy.db"),
}
