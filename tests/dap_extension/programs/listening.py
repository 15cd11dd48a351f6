"""Waits for a debugger on a port that it prints, and obeys the lines of its input meanwhile."""

import asyncio

import debugpy
from obeying import main

_, port = debugpy.listen(("127.0.0.1", 0))
print(port, flush=True)
asyncio.run(main())
