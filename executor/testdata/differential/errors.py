# %%
print("before"); 1/0
# %%
raise ValueError("multi\nline \x1b[1mé")
# %%
def f(): raise KeyError("deep")
def g():
    try: f()
    except KeyError as e: raise RuntimeError("outer") from e
g()
# %%
x = = 1
# %%
raise SystemExit(3)
# %% raises-exception
assert False, "tagged"
# %% skip-execution
raise SystemError("never sent")
# %%
class Odd(Exception):
    def __str__(self): raise TypeError("no text")
raise Odd()
# %%
raise KeyboardInterrupt
# %%
%%bash
echo out; echo err >&2; exit 3
# %%
%nosuchmagic
# %%
input("name? ")
# %%
"the end"
