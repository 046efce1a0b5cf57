# coalesce
# %%
import sys
from IPython.display import display
for i in range(3):
    print("out", i, flush=True); print("err", i, file=sys.stderr, flush=True)
display("middle"); print("after", flush=True)
# %%
print("err first", file=sys.stderr, flush=True); print("then out", flush=True)
# %%
for i in range(4): print("\rstep %d" % i, end="", flush=True)
# %%
for i in range(4): print("step %d\r" % i, end="", flush=True)
print("\nx\r\ny\rz")
