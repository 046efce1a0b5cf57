# late
# %%
import asyncio
async def later():
    await asyncio.sleep(0.2)
    print("from a task of the first cell", flush=True)
task = asyncio.create_task(later())
print("first")
# %%
print("second", flush=True)
await task
