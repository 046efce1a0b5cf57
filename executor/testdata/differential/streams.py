# %%
import sys, subprocess, os
print("a"); print("b", flush=True); print("c", flush=True)
# %%
for i in range(3):
    print("out", i, flush=True); print("err", i, file=sys.stderr, flush=True)
# %%
for i in range(3): print("progress %d\r" % i, end="", flush=True)
print("done\nnext\r\nlast\r")
# %%
print("é ü 漢字 😀 \x1b[31mred\x1b[0m \x00 \t|")
# %%
# A thread of ipykernel's own reads the descriptor, and gives what it reads to the cell that runs by then.
subprocess.run([sys.executable, "-c", "print('from a child')"]); __import__("time").sleep(1)
# %%
os.write(1, b"to the descriptor\n"); __import__("time").sleep(1)
# %%
for i in range(2000): print("line %d" % i, flush=i % 7 == 0)
# %%
print("x" * 300000); "x" * 20
# %%
import warnings, logging
logging.getLogger("test").warning("logged"); print("out")
# %%
print("")
# %%
print("no newline", end="")
