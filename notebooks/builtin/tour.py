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
# # A tour of outputs
#
# One cell for every kind of output that a notebook can hold, with nothing but Python's
# standard library and its kernel. Run it to see what a viewer, a diff or a report makes
# of each.

# %% tags=["parameters"]
name = "world"  # who is greeted
steps = 5  # how often the cells with progress go round
pause = 0.05  # seconds between two steps

# %% [markdown]
# ## Text

# %%
import sys
import time

from IPython.display import HTML, JSON, SVG, Image, Latex, Markdown, clear_output, display

print(f"Hello, {name}!")
print("This line went to standard error.", file=sys.stderr)

# %%
print("\x1b[1mbold\x1b[0m, \x1b[31mred\x1b[0m, \x1b[32mgreen\x1b[0m, \x1b[44mon blue\x1b[0m")

# %% [markdown]
# ## The value of the last line

# %%
{"name": name, "steps": steps, "primes": [n for n in range(2, 40) if all(n % d for d in range(2, n))]}

# %% [markdown]
# ## Rich displays

# %%
display(Markdown(f"Some **Markdown** for *{name}*, with a list:\n\n1. one\n2. two"))

# %%
display(Latex(r"$\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}$"))

# %%
display(HTML('<p>Some <b>HTML</b> with <span style="color: teal">colour</span>.</p>'))

# %%
display(JSON({"answer": 42, "list": [1, 2.5, None, True], "text": "ünïcödé"}))

# %%
bars = "".join(
    f'<rect x="{i * 30 + 5}" y="{90 - 15 * i}" width="20" height="{10 + 15 * i}" fill="steelblue"/>' for i in range(6)
)
display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="185" height="105">{bars}</svg>'))

# %% [markdown]
# ## An image, made by hand

# %%
import struct
import zlib


def png(width, height, pixel):
    """A PNG file whose colours are pixel(x, y), three bytes each."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


display(Image(png(128, 64, lambda x, y: (2 * x, 4 * y, 255 - x - y))))


# %% [markdown]
# ## A table


# %%
class Table:
    """Rows that show themselves as HTML, or as text where there is no HTML."""

    def __init__(self, head, rows):
        self.head, self.rows = head, rows

    def _repr_html_(self):
        def line(tag, cells):
            return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

        return "<table>" + line("th", self.head) + "".join(line("td", row) for row in self.rows) + "</table>"

    def __repr__(self):
        return "\n".join("  ".join(f"{cell!s:>6}" for cell in row) for row in [self.head, *self.rows])


Table(["n", "square", "cube"], [(n, n**2, n**3) for n in range(1, 6)])

# %% [markdown]
# ## Outputs that change

# %%
handle = display(f"step 0 of {steps}", display_id=True)
for step in range(1, steps + 1):
    time.sleep(pause)
    handle.update(f"step {step} of {steps}")

# %%
for step in range(1, steps + 1):
    clear_output(wait=True)
    print(f"only the last step stays: {step} of {steps}")
    time.sleep(pause)

# %%
for step in range(1, steps + 1):
    done = "#" * step + "." * (steps - step)
    print(f"\r[{done}] {step}/{steps}", end="", file=sys.stderr, flush=True)
    time.sleep(pause)
print(file=sys.stderr)

# %% [markdown]
# ## An error that is expected
#
# The cell below carries the tag `raises-exception`: its error is shown, and the run goes on.

# %% tags=["raises-exception"]
raise ValueError(f"sorry, {name}: this cell always fails")

# %% [markdown]
# ## A cell that is left out
#
# The cell below carries the tag `skip-execution`.

# %% tags=["skip-execution"]
print("nobody sees this line")

# %% [markdown]
# ## Scraps for other programs

# %%
try:
    from assay import glue
except ImportError:
    try:
        from scrapbook import glue
    except ImportError:

        def glue(name, value):
            """Publish a value as scrapbook would."""
            encoder = "text" if isinstance(value, str) else "json"
            scrap = {"name": name, "data": value, "encoder": encoder, "version": 1}
            display(
                {f"application/scrapbook.scrap.{encoder}+json": scrap},
                metadata={"scrapbook": {"name": name, "data": True, "display": False}},
                raw=True,
            )


glue("greeting", f"Hello, {name}!")
glue("steps", steps)
glue("squares", [n**2 for n in range(steps)])
