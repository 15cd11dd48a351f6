"""Two tasks that wait for each other's lock, one that waits behind them, and names that asyncio makes up."""

import asyncio


async def charge(account, ledger):
    async with account:  # @account
        await asyncio.sleep(0)
        async with ledger:  # @charge
            return "charged"


async def refund(account, ledger):
    async with ledger:  # @ledger
        await asyncio.sleep(0)
        async with account:  # @refund
            return "refunded"


async def report(ledger):
    async with ledger:  # @report
        return "reported"


async def watch():
    for _ in range(5):
        await asyncio.sleep(0)
    looks = 1  # @look
    looks += 1
    newcomer = asyncio.create_task(asyncio.sleep(3600), name="newcomer")
    await asyncio.sleep(0)
    looks += 1  # @again
    newcomer.cancel()


async def main():
    account, ledger = asyncio.Lock(), asyncio.Lock()
    tasks = [
        asyncio.create_task(charge(account, ledger)),
        asyncio.create_task(refund(account, ledger)),
        asyncio.create_task(report(ledger)),
        asyncio.create_task(watch(), name="watch"),
    ]
    await tasks[-1]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


asyncio.run(main())
