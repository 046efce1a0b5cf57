# %%
from IPython.display import display, update_display, HTML, Markdown, clear_output
h = display("first", display_id="a")
display("again", display_id="a")
# %%
update_display("updated from another cell", display_id="a")
# %%
h = display(HTML("<b>1</b>"), display_id=True)
h.update(HTML("<b>2</b>"))
for i in range(3):
    h.update(Markdown("**%d**" % i), metadata={"round": i})
# %%
class Shown:
    def __init__(self, text): self.text = text
    def __repr__(self): return self.text
    def _ipython_display_(self): display({"text/plain": self.text, "text/html": "<i>%s</i>" % self.text}, raw=True, display_id="b")
Shown("one")
# %%
update_display("unknown", display_id="nobody")
Shown("two")
# %%
display("kept", display_id="c")
clear_output()
update_display("gone", display_id="c")
# %%
display("old", display_id="d")
clear_output(wait=True)
update_display("updated before the clear", display_id="d")
display("new", display_id="d")
# %%
display({"application/json": {"z": [1, 2.5, None], "a": {"é": True}}, "text/plain": "é \u2028"}, raw=True, metadata={"x": {"y": 1}})
# %%
1 + 1
