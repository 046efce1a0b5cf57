# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # System health
#
# Looks at the load, the memory and the disks of the machine the kernel runs on, and says
# whether somebody should step in. Three scraps hold the verdict for other programs:
# `health_score`, `avg_load` and `intervention_needed`.

# %% tags=["parameters"]
threshold = 1.0  # load per processor above which somebody should step in
hostname = "localhost"  # the name the report gives to the machine

# %%
import os
import shutil
import time

from IPython.display import Markdown, display

try:
    from assay import glue
except ImportError:
    try:
        from scrapbook import glue
    except ImportError:

        def glue(name, value):
            """Publish a value as scrapbook would."""
            scrap = {"name": name, "data": value, "encoder": "json", "version": 1}
            display(
                {"application/scrapbook.scrap.json+json": scrap},
                metadata={"scrapbook": {"name": name, "data": True, "display": False}},
                raw=True,
            )


# %% [markdown]
# ## Load

# %%
processors = os.cpu_count() or 1
try:
    loads = os.getloadavg()
except (AttributeError, OSError):  # not every system counts its waiting processes
    loads = (0.0, 0.0, 0.0)
avg_load = round(sum(loads) / len(loads), 3)
load_per_processor = avg_load / processors
print(f"load {loads[0]:.2f} {loads[1]:.2f} {loads[2]:.2f} on {processors} processors")

# %% [markdown]
# ## Memory


# %%
def memory():
    """Total and available bytes, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as f:
            fields = dict(line.split(":", 1) for line in f)
        kib = {key: int(value.split()[0]) for key, value in fields.items()}
        return kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    except (AttributeError, OSError, ValueError):
        return None


memory_state = memory()
memory_used = 1 - memory_state[1] / memory_state[0] if memory_state else 0.0
print(f"memory {memory_used:.0%} used" if memory_state else "memory: the system does not say")

# %% [markdown]
# ## Disks


# %%
def disks():
    """The share in use of every disk, by the place where it is mounted."""
    places = ["/"]
    try:
        with open("/proc/mounts") as f:
            places += [line.split()[1] for line in f if line.startswith("/dev/")]
    except OSError:
        pass
    seen, used = set(), {}
    for place in places:
        try:
            device = os.stat(place).st_dev
            usage = shutil.disk_usage(place)
        except OSError:
            continue
        if device not in seen and os.path.isdir(place) and usage.total > 0:
            seen.add(device)
            used[place] = usage.used / usage.total
    return used


disk_used = disks()
for place, share in disk_used.items():
    print(f"disk {place}: {share:.0%} used")

# %% [markdown]
# ## Verdict

# %%
reasons = []
if load_per_processor > threshold:
    reasons.append(f"the load per processor is {load_per_processor:.2f}, above {threshold:g}")
if memory_used > 0.95:
    reasons.append(f"{memory_used:.0%} of the memory is in use")
for place, share in disk_used.items():
    if share > 0.95:
        reasons.append(f"the disk at {place} is {share:.0%} full")

strain = [load_per_processor / threshold if threshold > 0 else 1.0, memory_used, *disk_used.values()]
health_score = round(100 * (1 - min(1.0, max(strain)) / 2) - (50 if reasons else 0), 1)
health_score = max(0.0, health_score)
intervention_needed = bool(reasons)

# %%
rows = [("Load per processor", f"{load_per_processor:.2f} (of {threshold:g})")]
rows.append(("Memory in use", f"{memory_used:.0%}"))
rows += [(f"Disk `{place}` in use", f"{share:.0%}") for place, share in disk_used.items()]
report = f"""# {hostname}: {"somebody should step in" if intervention_needed else "all is well"}

Health score **{health_score:g}** of 100 on {time.strftime("%Y-%m-%d %H:%M %Z")}.

| What | Now |
|---|---|
"""
report += "\n".join(f"| {what} | {now} |" for what, now in rows)
if reasons:
    report += "\n\n" + "\n".join(f"- {reason}" for reason in reasons)
display(Markdown(report))

# %%
glue("health_score", health_score)
glue("avg_load", avg_load)
glue("intervention_needed", intervention_needed)
