# %%
from IPython.display import clear_output, display
print("gone"); clear_output(); print("stays")
# %%
print("stays, for nothing follows"); clear_output(wait=True)
# %%
print("a fresh cell is not cleared by the one before")
# %%
import sys
for i in range(5):
    clear_output(wait=True)
    print("round", i); print("err", i, file=sys.stderr); sys.stdout.flush(); sys.stderr.flush()
    display(i)
# %%
print("x"); clear_output(wait=True); clear_output(); print("y")
# %%
display("a"); clear_output(wait=True); "result"
