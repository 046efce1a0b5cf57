# %%
import ipywidgets as w
from IPython.display import display, clear_output
s = w.IntSlider(value=3, description="é"); s.value = 5
s
# %%
out = w.Output()
display(out)
with out:
    print("in"); print("side")
    display("shown"); 
print("outside")
# %%
with out:
    import sys
    print("more", file=sys.stderr)
    1/0
# %%
other = w.Output()
with out:
    print("outer 1")
    with other:
        print("inner"); clear_output(); print("after the clear")
    print("outer 2")
# %%
@other.capture(clear_output=True, wait=True)
def f(n): print("call", n)
f(1); f(2)
# %%
out.outputs
# %%
w.VBox([w.Image(value=b"\x89PNG not really", format="png"), w.Text("t"), w.Output()])
# %%
out.append_stdout("appended")
out.clear_output()
# %%
len(other.outputs), other.outputs
