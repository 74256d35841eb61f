"""``python -m market_agents`` is the console script ``market-agents``."""

import sys

from market_agents.cli import main

sys.exit(main())
