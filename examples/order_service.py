"""A small order service that stops in the middle of its work: what is everyone doing?

    asynctb run examples/order_service.py

Three workers take orders from a queue. Each needs the stock lock and a database transaction. When a payment is
suspiciously large, ``breakpoint()`` stops the whole program.
"""

import asyncio
import contextlib
import os
import queue
import threading

ORDERS = [("tea", 4), ("espresso machine", 999), ("cups", 24)]


class Database:
    def __init__(self):
        self.connections = asyncio.Semaphore(2)

    async def execute(self, statement):
        await asyncio.sleep(0.01)


class Shop:
    def __init__(self, database):
        self.database = database
        self.orders = asyncio.Queue()
        self.sold = asyncio.Queue()
        self.stock_lock = asyncio.Lock()
        self.invoices = queue.Queue()


@contextlib.asynccontextmanager
async def connect():
    database = Database()
    await database.execute("CONNECT")
    yield database
    await database.execute("DISCONNECT")


@contextlib.asynccontextmanager
async def transaction(database):
    async with database.connections:
        await database.execute("BEGIN")
        yield database
        await database.execute("COMMIT")


@contextlib.contextmanager
def invoice_printer(shop):
    thread = threading.Thread(target=print_invoices, args=(shop.invoices,), name="invoice printer")
    thread.start()
    try:
        yield thread
    finally:
        shop.invoices.put(None)
        thread.join()


def print_invoices(invoices):
    with open(os.devnull, "w") as paper:
        for invoice in iter(invoices.get, None):
            paper.write(invoice)


async def worker(shop):
    while True:
        item, price = await shop.orders.get()
        await handle(shop, item, price)
        shop.orders.task_done()


async def handle(shop, item, price):
    async with shop.stock_lock:
        await shop.database.execute("SELECT stock")
        async with transaction(shop.database) as database:
            await database.execute("UPDATE stock")
            invoice = charge(price)
    shop.sold.put_nowait((item, price, invoice))


def charge(price):
    if price > 500:
        breakpoint()
    return f"{price}.00 EUR"


async def sales(shop):
    while True:
        yield await shop.sold.get()


async def turnover(sold):
    total = 0
    async for item, price, invoice in sold:
        total += price
        yield item, total, invoice


async def report(shop):
    async for item, total, invoice in turnover(sales(shop)):
        shop.invoices.put(invoice)
        print("sold:", item, "- turnover:", total)


def cancel(tasks):
    for task in tasks:
        task.cancel()


async def main():
    async with contextlib.AsyncExitStack() as resources:
        shop = Shop(await resources.enter_async_context(connect()))
        resources.enter_context(invoice_printer(shop))
        tasks = [asyncio.create_task(worker(shop), name=f"worker-{number}") for number in (1, 2, 3)]
        tasks.append(asyncio.create_task(report(shop), name="report"))
        resources.callback(cancel, tasks)
        for order in ORDERS:
            await shop.orders.put(order)
        await shop.orders.join()


if __name__ == "__main__":
    asyncio.run(main())
