# late
# %%
import asyncio
gate = asyncio.Event()
async def later():
    await gate.wait()
    print("from a task of the first cell", flush=True)
task = asyncio.create_task(later())
print("first")
# %%
print("second", flush=True)
gate.set()
await task
