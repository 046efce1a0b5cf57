# %%
import pandas as pd
pd.DataFrame({"a": [1, 2], "b": ["x", None]})
# %%
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 2, 3]); plt.title("é")
# %%
plt.figure(); plt.plot([1, 2]); plt.show(); print("after"); plt.figure(); plt.bar([1], [2]); None
# %%
%%html
<b>x</b>
# %%
%timeit -n1 -r1 -q pass
# %%
!echo from the shell; echo é
# %%
%%writefile made.txt
text
# %%
%pwd?
# %%
from IPython.display import SVG, Javascript, Image, Latex
display(SVG('<svg xmlns="http://www.w3.org/2000/svg"/>'), Javascript("1"), Latex("$x$"), Image(b"GIF89a", format="png"))
